"""Read CSV, JSON, Excel, Parquet, folders of text files and datasets of the Hub into a `Dataset` of text columns."""

import os
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset

from hf_newscls.data.readers.columns import TEXT, Block, to_dataset
from hf_newscls.data.readers.format import FileFormat, ReadOptions
from hf_newscls.data.readers.hub_snapshot import is_snapshot
from hf_newscls.data.readers.open_file import OpenedFile, open_file
from hf_newscls.errors import DataError, format_examples, shorten_text
from hf_newscls.files import name_paths
from hf_newscls.progress import report_progress
from hf_newscls.recipe.files import SOURCE_KEY

ROW_ID = "id"
_SHOWN_CHARACTERS = 80
_NO_OPTIONS = ReadOptions()
# Arrow reserves up to twice the memory that a small table needs: this many of them are copied into one.
_JOINED_BLOCKS = 16


class RowNumbers(NamedTuple):
    """Where the rows of a file are: the numbers of its lines, items or rows, or the names of a folder's files."""

    path: Path
    unit: str
    numbers: pa.ChunkedArray


@dataclass(frozen=True)
class FileRows:
    """The rows of news files, how each file was read, and where its rows are."""

    dataset: Dataset
    formats: Sequence[FileFormat]
    numbers: Sequence[RowNumbers]

    def locate(self, indices: Sequence[int]) -> str:
        """Return a file and the numbers of rows in it, for a message; rows in the files after it are left out."""
        start = 0
        for path, unit, numbers in self.numbers:
            inside = [index - start for index in indices if start <= index < start + len(numbers)]
            if inside:
                return f"{path}: {unit}{'s' * (len(inside) > 1)} {format_examples(numbers.take(inside).to_pylist())}"
            start += len(numbers)
        raise IndexError(f"no rows {format_examples(indices)} among {start}")


def read_files(
    paths: Path | Sequence[Path],
    *,
    columns: Sequence[str],
    keys: Sequence[str] | None = None,
    id_column: str | None = None,
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
        id_column: column of unique row ids; if None, ids are the indices of the rows over all files, from 0. Of
            several folders of text files, ids begin with the path of the folder below the one that holds them all.
        options: what the files do not say themselves.

    Raises:
        DataError: a file is empty, binary or malformed, or lacks a column.
        SourceError: a file cannot be read.
    """
    paths = [paths] if isinstance(paths, Path) else paths
    if ROW_ID in columns and id_column != ROW_ID:
        raise DataError(
            f"{name_paths(paths)}: the column {ROW_ID!r} can only hold row ids; set `data.id: {ROW_ID}` or rename it"
        )
    wanted = list(dict.fromkeys([*columns, *([id_column] if id_column else [])]))
    in_file = [name for name in wanted if keys is None or name != SOURCE_KEY]
    tables, formats, numbers = [], [], []
    for path, key in zip(paths, keys or repeat(None), strict=False):
        opened = open_file(path, in_file, options)
        with closing(opened.blocks):
            table, found_numbers = _read_blocks(opened.blocks, path)
        if key is not None:
            table = table.append_column(SOURCE_KEY, pa.repeat(pa.scalar(key, TEXT), len(table)))
        tables.append(table)
        formats.append(_complete(opened, table))
        numbers.append(found_numbers)
    ids = _build_ids(paths, tables, id_column)
    table = pa.concat_tables(tables)
    kept = {name: table.column(name) for name in wanted if name != ROW_ID}
    return FileRows(to_dataset(pa.table({ROW_ID: ids, **kept})), formats, numbers)


def _read_blocks(blocks: Iterable[Block], path: Path) -> tuple[pa.Table, RowNumbers]:
    """Return the rows of a file, and their numbers."""
    tables: list[pa.Table] = []
    numbers: list[pa.Array] = []
    rows = 0
    for count, block in enumerate(blocks, start=1):
        tables.append(block.table)
        if count % _JOINED_BLOCKS == 0:
            tables[-_JOINED_BLOCKS:] = [pa.concat_tables(tables[-_JOINED_BLOCKS:]).combine_chunks()]
        numbers.append(pa.array(block.numbers or range(rows + 1, rows + 1 + len(block.table))))
        rows += len(block.table)
        report_progress(f"reading {path.name}", rows)
    if not rows:
        raise DataError(f"{path}: no rows; check that the file is whole")
    report_progress(f"reading {path.name}", rows, rows)
    return pa.concat_tables(tables), RowNumbers(path, block.unit, pa.chunked_array(numbers))


def _build_ids(paths: Sequence[Path], tables: Sequence[pa.Table], column: str | None) -> pa.ChunkedArray:
    if column is None:
        return pa.chunked_array([pa.array(np.arange(sum(map(len, tables)))).cast(TEXT)])
    folders = _name_folders(paths)
    columns = [
        pc.binary_join_element_wise(pa.scalar(folders[path], TEXT), table.column(column), pa.scalar("/", TEXT))
        if path in folders
        else table.column(column)
        for path, table in zip(paths, tables, strict=True)
    ]
    ids = pa.chunked_array([chunk for ids in columns for chunk in ids.chunks], TEXT)
    if ids.null_count or pc.count_distinct(ids).as_py() < len(ids):
        values = ids.to_pandas()
        offenders = format_examples(values[values.isna() | values.duplicated()].replace({np.nan: None}))
        raise DataError(
            f"{name_paths(paths)}: column {column!r} of `data.id` has empty or repeated values ({offenders}); set "
            "`data.id: null` to number the rows"
        )
    return ids


def _name_folders(paths: Sequence[Path]) -> dict[Path, str]:
    """Return the paths of folders of text files below the one that holds them all; nothing for a single path."""
    folders = [path for path in paths if len(paths) > 1 and path.is_dir() and not is_snapshot(path)]
    common = os.path.commonpath([path.resolve().parent for path in folders]) if folders else ""
    return {path: path.resolve().relative_to(common).as_posix() for path in folders}


def _complete(opened: OpenedFile, table: pa.Table) -> FileFormat:
    first_row = table.slice(0, 1).to_pylist()[0]
    return replace(
        opened.found,
        rows=len(table),
        skipped_lines=opened.csv.skipped_lines if opened.csv else 0,
        first_row={name: shorten_text(value or "", limit=_SHOWN_CHARACTERS) for name, value in first_row.items()},
    )
