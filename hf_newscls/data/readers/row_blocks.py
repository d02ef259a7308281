"""Read files of any size in blocks of bounded memory, cut at the same rows each time."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset

from hf_newscls.data.readers.columns import check_columns, convert_table
from hf_newscls.data.readers.format import ReadOptions
from hf_newscls.data.readers.open_file import open_file
from hf_newscls.data.readers.parquet_file import find_label_names

BLOCK_ROWS = 1024
"""Most rows of a block: enough to find texts of similar length, few enough to lose little work."""

BLOCK_BYTES = 2_000_000
"""Most text of a block, in bytes of UTF-8, unless one row has more."""

_NO_OPTIONS = ReadOptions()
_DATASET = "dataset"


def read_row_blocks(
    paths: Sequence[Path], columns: Sequence[str], *, options: ReadOptions = _NO_OPTIONS
) -> Generator[pa.Table, None, None]:
    """Yield the named columns of files as text, block by block, in the files' order; null stands for an empty value.

    Raises:
        DataError: a file is empty, binary or malformed, lacks a column, or has a value that is too long.
        SourceError: a file cannot be read.
    """
    with closing(_read_tables(paths, columns, options)) as tables:
        yield from cut_blocks(tables, max_rows=BLOCK_ROWS, max_bytes=BLOCK_BYTES)


def _read_tables(
    paths: Sequence[Path], columns: Sequence[str], options: ReadOptions
) -> Generator[pa.Table, None, None]:
    for path in paths:
        with closing(open_file(path, columns, options).blocks) as blocks:
            yield from (block.table for block in blocks)


def read_dataset_blocks(dataset: Dataset, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Yield the named columns of a dataset as text, in blocks as `read_row_blocks` does; label ids become names.

    Raises:
        DataError: a column is missing, or holds lists.
    """
    check_columns(_DATASET, columns, dataset.column_names)
    label_names = find_label_names(dataset.features)
    rows = dataset.select_columns([*columns]).with_format("arrow").iter(batch_size=BLOCK_ROWS)
    tables = (convert_table(table, columns, source_name=_DATASET, label_names=label_names) for table in rows)
    return cut_blocks(tables, max_rows=BLOCK_ROWS, max_bytes=BLOCK_BYTES)


def cut_blocks(tables: Iterable[pa.Table], *, max_rows: int, max_bytes: int) -> Iterator[pa.Table]:
    """Yield the same rows in blocks that are as large as the limits allow; a row is never cut.

    The blocks depend on the rows only, not on how they were cut before.

    >>> tables = [pa.table({"text": ["a", "b"]}), pa.table({"text": ["c", "long", "d"]})]
    >>> [block["text"].to_pylist() for block in cut_blocks(tables, max_rows=3, max_bytes=4)]
    [['a', 'b', 'c'], ['long'], ['d']]
    """
    parts: list[pa.Table] = []
    rows = size = 0
    for table in tables:
        start = 0
        for row, row_bytes in enumerate(_measure_rows(table)):
            if rows == max_rows or (rows and size + row_bytes > max_bytes):
                yield pa.concat_tables([*parts, table.slice(start, row - start)])
                parts, start, rows, size = [], row, 0, 0
            rows, size = rows + 1, size + row_bytes
        parts.append(table.slice(start))
    if rows:
        yield pa.concat_tables(parts)


def _measure_rows(table: pa.Table) -> list[int]:
    """Return the bytes of the texts of each row."""
    sizes = np.zeros(len(table), dtype=np.int64)
    for column in table.columns:
        sizes += pc.fill_null(pc.binary_length(column), 0).to_numpy()
    lengths: list[int] = sizes.tolist()
    return lengths
