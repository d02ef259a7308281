"""Read CSV, JSON, Excel, Parquet, folders of text files and datasets of the Hub into a `Dataset` of text columns."""

import codecs
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset

from hf_newscls.data.readers.columns import TEXT, Block, to_dataset
from hf_newscls.data.readers.compression import open_data
from hf_newscls.data.readers.csv_file.reader import CsvReader
from hf_newscls.data.readers.encoding.text_file import TextFile, detect_encoding
from hf_newscls.data.readers.excel_file import ExcelReader, is_excel
from hf_newscls.data.readers.format import FileFormat, ReadOptions
from hf_newscls.data.readers.hub_snapshot import is_snapshot, name_snapshot, read_snapshot_blocks
from hf_newscls.data.readers.json_file.reader import read_json_blocks
from hf_newscls.data.readers.parquet_file import read_parquet_blocks
from hf_newscls.data.readers.text_folder import read_folder_blocks
from hf_newscls.errors import DataError, format_examples, shorten_text
from hf_newscls.files import name_paths
from hf_newscls.recipe.files import SOURCE_KEY

ROW_ID = "id"
_SAMPLE_BYTES = 1 << 16
_SHOWN_CHARACTERS = 80
_JSON_ENDINGS = (".json", ".jsonl", ".ndjson")
_NO_OPTIONS = ReadOptions()


@dataclass(frozen=True)
class FileRows:
    """The rows of news files, and how each file was read."""

    dataset: Dataset
    formats: Sequence[FileFormat]


def read_files(
    paths: Path | Sequence[Path],
    *,
    columns: Sequence[str],
    keys: Sequence[str] | None = None,
    id_column: str | None = None,
    label_column: str | None = None,
    options: ReadOptions = _NO_OPTIONS,
) -> FileRows:
    """Read the named columns of news files as strings, and `id`, one row a record, in the files' order.

    The content decides how a file is read, then the ending of its name. Rows go into Arrow block by block: a file is
    never held as Python objects, and a compressed text file never as a whole.

    Args:
        paths: a file, or files that all have the columns; a folder is the snapshot of a dataset of the Hub, or holds
            text files.
        columns: columns to read; null stands for an empty value.
        keys: the value of the column `SOURCE_KEY` in the rows of each path, if `columns` has it.
        id_column: column of unique row ids; if None, ids are the indices of the rows over all files, from 0.
        label_column: one of `columns` that must have a value in every row.
        options: what the files do not say themselves.

    Raises:
        DataError: a file is empty, binary or malformed, or lacks a column or a label.
        SourceError: a file cannot be read.
    """
    paths = [paths] if isinstance(paths, Path) else paths
    if ROW_ID in columns and id_column != ROW_ID:
        raise DataError(
            f"{name_paths(paths)}: the column {ROW_ID!r} can only hold row ids; set `data.id: {ROW_ID}` or rename it"
        )
    wanted = list(dict.fromkeys([*columns, *([id_column] if id_column else [])]))
    in_file = [name for name in wanted if keys is None or name != SOURCE_KEY]
    tables, formats = [], []
    for path, key in zip(paths, keys or repeat(None), strict=False):
        opened = _open_file(path, in_file, options)
        blocks = opened.blocks if key is None else _add_key(opened.blocks, key)
        tables.append(pa.concat_tables(_check_blocks(blocks, path, label_column)))
        formats.append(_complete(opened, tables[-1]))
    table = pa.concat_tables(tables)
    ids = _build_ids(paths, table, id_column)
    kept = {name: table.column(name) for name in wanted if name != ROW_ID}
    return FileRows(to_dataset(pa.table({ROW_ID: ids, **kept})), formats)


def _build_ids(paths: Sequence[Path], table: pa.Table, column: str | None) -> pa.ChunkedArray:
    if column is None:
        return pa.chunked_array([pa.array(np.arange(len(table))).cast(TEXT)])
    ids = table.column(column)
    if ids.null_count or pc.count_distinct(ids).as_py() < len(ids):
        values = ids.to_pandas()
        offenders = format_examples(values[values.isna() | values.duplicated()].replace({np.nan: None}))
        raise DataError(
            f"{name_paths(paths)}: column {column!r} of `data.id` has empty or repeated values ({offenders}); set "
            "`data.id: null` to number the rows"
        )
    return ids


def _check_blocks(blocks: Iterable[Block], path: Path, label_column: str | None) -> Iterator[pa.Table]:
    """Yield the tables of a file, and refuse at its end that it has no rows, or rows without a label."""
    rows = 0
    unlabeled: list[int] = []
    for block in blocks:
        if label_column is not None:
            labels = block.table.column(label_column).to_pylist()
            numbers = block.numbers or range(rows + 1, rows + 1 + len(labels))
            unlabeled += [number for number, label in zip(numbers, labels, strict=True) if not (label or "").strip()]
        rows += len(block.table)
        yield block.table
    if not rows:
        raise DataError(f"{path}: no rows; check that the file is whole")
    if unlabeled:
        raise DataError(
            f"{path}: {block.unit}{'s' * (len(unlabeled) > 1)} {format_examples(unlabeled)}: no label in column "
            f"{label_column!r}; fill it in there, or set `data.missing_label: drop`"
        )


def _add_key(blocks: Iterable[Block], key: str) -> Iterator[Block]:
    for block in blocks:
        keys = pa.repeat(pa.scalar(key, TEXT), len(block.table))
        yield block._replace(table=block.table.append_column(SOURCE_KEY, keys))


class _OpenedFile(NamedTuple):
    """A file before its rows are read: `found` lacks what only the rows show."""

    found: FileFormat
    blocks: Iterator[Block]
    csv: CsvReader | None = None


def _open_file(path: Path, wanted: Sequence[str], options: ReadOptions) -> _OpenedFile:
    if path.is_dir() and is_snapshot(path):
        found = FileFormat(name_snapshot(path), "dataset of the Hub")
        return _OpenedFile(found, read_snapshot_blocks(path, wanted))
    if path.is_dir():
        found = FileFormat(path.resolve().name, "folder of text files", encoding=options.encoding)
        return _OpenedFile(found, read_folder_blocks(path, wanted, options))
    if is_excel(path):
        excel = ExcelReader(path, wanted, sheet=options.sheet)
        return _OpenedFile(FileFormat(path.name, "Excel", sheet=excel.sheet), excel.read_blocks())
    with open_data(path) as opened:
        sample, name = opened.stream.read(_SAMPLE_BYTES), opened.name
    if sample.startswith(b"PAR1"):
        return _OpenedFile(FileFormat(path.name, "Parquet"), read_parquet_blocks(path, wanted))
    if not sample.removeprefix(codecs.BOM_UTF8).strip():
        raise DataError(f"{path}: an empty file; check that it is whole")
    errors = options.encoding_errors
    file = TextFile(path, name, detect_encoding(path, sample, encoding=options.encoding, errors=errors), errors)
    encoding, start = file.encoding.removesuffix("-sig"), sample.decode(file.encoding, "ignore").lstrip()[:1]
    # The first row of a CSV file without a header can be a text in brackets.
    if name.lower().endswith(_JSON_ENDINGS) or (start in {"{", "["} and not options.csv.columns):
        records = options.json_records
        found = FileFormat(path.name, "JSON", encoding=encoding, records=records)
        return _OpenedFile(found, read_json_blocks(file, wanted, records=records))
    csv = CsvReader(file, wanted, options.csv)
    return _OpenedFile(FileFormat(path.name, "CSV", encoding=encoding, csv=csv.dialect), csv.read_blocks(), csv)


def _complete(opened: _OpenedFile, table: pa.Table) -> FileFormat:
    first_row = table.slice(0, 1).to_pylist()[0]
    return replace(
        opened.found,
        rows=len(table),
        skipped_lines=opened.csv.skipped_lines if opened.csv else 0,
        first_row={name: shorten_text(value or "", limit=_SHOWN_CHARACTERS) for name, value in first_row.items()},
    )
