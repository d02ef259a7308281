"""Read CSV, JSON lines, JSON arrays, Parquet and datasets of the Hub into a `Dataset` of text columns."""

import codecs
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset
from datasets.fingerprint import generate_random_fingerprint

from hf_newscls.data.readers.columns import TEXT, Block
from hf_newscls.data.readers.compression import open_data
from hf_newscls.data.readers.csv_file import CsvReader
from hf_newscls.data.readers.encoding import TextFile, detect_encoding
from hf_newscls.data.readers.format import FileFormat
from hf_newscls.data.readers.hub_snapshot import name_snapshot, read_snapshot_blocks
from hf_newscls.data.readers.json_file import read_json_blocks
from hf_newscls.data.readers.parquet_file import read_parquet_blocks
from hf_newscls.errors import DataError, format_examples, shorten_text
from hf_newscls.files import name_paths
from hf_newscls.recipe.data import CsvSection

ROW_ID = "id"
_SAMPLE_BYTES = 1 << 16
_SHOWN_CHARACTERS = 80
_NO_CSV_KEYS = CsvSection()


class _OpenedFile(NamedTuple):
    name: str
    kind: str
    blocks: Iterator[Block]
    encoding: str | None = None
    csv: CsvReader | None = None


@dataclass(frozen=True)
class FileRows:
    """The rows of news files, and how each file was read."""

    dataset: Dataset
    formats: Sequence[FileFormat]


def read_rows(paths: Path | Sequence[Path], *, columns: Sequence[str], **options: Any) -> Dataset:
    """Return the rows of `read_files`, which has the same arguments."""
    return read_files(paths, columns=columns, **options).dataset


def read_files(
    paths: Path | Sequence[Path],
    *,
    columns: Sequence[str],
    id_column: str | None = None,
    label_column: str | None = None,
    encoding: str | None = None,
    csv: CsvSection = _NO_CSV_KEYS,
) -> FileRows:
    """Read the named columns of news files as strings, and `id`, one row a record, in the files' order.

    The content decides how a file is read, then the ending of its name. Rows go into Arrow block by block: a file is
    never held as Python objects, and a compressed text file never as a whole.

    Args:
        paths: a file, or files that all have the columns; a folder is the snapshot of a dataset of the Hub.
        columns: columns to read; null stands for an empty value.
        id_column: column of unique row ids; if None, ids are the indices of the rows over all files, from 0.
        label_column: one of `columns` that must have a value in every row.
        encoding: encoding of text files; if None, `detect_encoding` finds it.
        csv: how CSV files are written.

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
    tables, formats = [], []
    for path in paths:
        opened = _open_file(path, wanted, encoding=encoding, csv=csv)
        tables.append(pa.concat_tables(_check_blocks(opened.blocks, path, label_column)))
        formats.append(_describe(opened, tables[-1]))
    table = pa.concat_tables(tables)
    ids = _build_ids(paths, table, id_column)
    kept = {name: table.column(name) for name in wanted if name != ROW_ID}
    # Without a fingerprint `datasets` would pickle all rows to compute one, which only its caches on disk use.
    dataset = Dataset(pa.table({ROW_ID: ids, **kept}), fingerprint=generate_random_fingerprint())
    return FileRows(dataset, formats)


def _describe(opened: _OpenedFile, table: pa.Table) -> FileFormat:
    reader = opened.csv
    return FileFormat(
        name=opened.name,
        kind=opened.kind,
        encoding=opened.encoding and opened.encoding.removesuffix("-sig"),
        csv=reader.dialect if reader else None,
        rows=len(table),
        skipped_lines=reader.skipped_lines if reader else 0,
        first_row={
            name: shorten_text(value or "", limit=_SHOWN_CHARACTERS)
            for name, value in table.slice(0, 1).to_pylist()[0].items()
        },
    )


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
    unlabelled: list[int] = []
    for block in blocks:
        if label_column is not None:
            labels = block.table.column(label_column).to_pylist()
            numbers = block.numbers or range(rows + 1, rows + 1 + len(labels))
            unlabelled += [number for number, label in zip(numbers, labels, strict=True) if not (label or "").strip()]
        rows += len(block.table)
        yield block.table
    if not rows:
        raise DataError(f"{path}: no rows; check that the file is whole")
    if unlabelled:
        raise DataError(
            f"{path}: {block.unit}{'s' * (len(unlabelled) > 1)} {format_examples(unlabelled)}: no label in column "
            f"{label_column!r}; fill it in there, or set `data.missing_label: drop`"
        )


def _open_file(path: Path, wanted: Sequence[str], *, encoding: str | None, csv: CsvSection) -> _OpenedFile:
    if path.is_dir():
        return _OpenedFile(name_snapshot(path), "dataset of the Hub", read_snapshot_blocks(path, wanted))
    with open_data(path) as opened:
        sample, name = opened.stream.read(_SAMPLE_BYTES), opened.name
    if sample.startswith(b"PAR1"):
        return _OpenedFile(path.name, "Parquet", read_parquet_blocks(path, wanted))
    if not sample.removeprefix(codecs.BOM_UTF8).strip():
        raise DataError(f"{path}: an empty file; check that it is whole")
    file = TextFile(path, name, detect_encoding(path, sample, encoding=encoding))
    starts_as_json = sample.decode(file.encoding, "ignore").lstrip()[:1] in {"{", "["}
    # The first row of a CSV file without a header can be a text in brackets.
    if name.lower().endswith((".json", ".jsonl", ".ndjson")) or (starts_as_json and not csv.columns):
        return _OpenedFile(path.name, "JSON", read_json_blocks(file, wanted), file.encoding)
    reader = CsvReader(file, wanted, csv)
    return _OpenedFile(path.name, "CSV", reader.read_blocks(), file.encoding, reader)
