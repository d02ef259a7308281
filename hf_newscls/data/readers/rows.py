"""Read CSV, JSON, Excel, Parquet, folders of text files and datasets of the Hub into a `Dataset` of text columns."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset

from hf_newscls.data.readers.columns import TEXT, Block, to_dataset
from hf_newscls.data.readers.format import FileFormat, ReadOptions
from hf_newscls.data.readers.open_file import OpenedFile, open_file
from hf_newscls.errors import DataError, format_examples, shorten_text
from hf_newscls.files import name_paths
from hf_newscls.recipe.files import SOURCE_KEY

ROW_ID = "id"
_SHOWN_CHARACTERS = 80
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
        opened = open_file(path, in_file, options)
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


def _complete(opened: OpenedFile, table: pa.Table) -> FileFormat:
    first_row = table.slice(0, 1).to_pylist()[0]
    return replace(
        opened.found,
        rows=len(table),
        skipped_lines=opened.csv.skipped_lines if opened.csv else 0,
        first_row={name: shorten_text(value or "", limit=_SHOWN_CHARACTERS) for name, value in first_row.items()},
    )
