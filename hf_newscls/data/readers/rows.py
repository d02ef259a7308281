"""Read CSV, JSON lines, JSON arrays, Parquet and datasets of the Hub into a `Dataset` of text columns."""

import codecs
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset
from datasets.fingerprint import generate_random_fingerprint

from hf_newscls.data.readers.columns import TEXT
from hf_newscls.data.readers.compression import open_data
from hf_newscls.data.readers.csv_file import read_csv_blocks
from hf_newscls.data.readers.encoding import TextFile, detect_encoding
from hf_newscls.data.readers.hub_snapshot import read_snapshot_blocks
from hf_newscls.data.readers.json_file import read_json_blocks
from hf_newscls.data.readers.parquet_file import read_parquet_blocks
from hf_newscls.errors import DataError, format_examples
from hf_newscls.files import name_paths

__all__ = ["ROW_ID", "read_rows"]

ROW_ID = "id"
_PARQUET_MAGIC = b"PAR1"
_SAMPLE_BYTES = 1 << 16
_JSON_ENDINGS = (".json", ".jsonl", ".ndjson")


def read_rows(
    paths: Path | Sequence[Path], *, columns: Sequence[str], id_column: str | None = None, encoding: str | None = None
) -> Dataset:
    """Read the named columns of news files, one row a record, in the files' order.

    The kind of a file is told by its content, then by its ending. Rows go into Arrow block by block: a file is never
    held as Python objects, nor as a whole where it is compressed.

    Args:
        paths: a file, or files of the same columns; a folder is the snapshot of a dataset of the Hub.
        columns: columns to read; every one must be in every file.
        id_column: column of unique row ids; without it the id is the row's place in all files, from 0.
        encoding: the encoding of text files; without it UTF-8 with or without a byte order mark, else cp1252, else
            latin-1.

    Returns:
        The columns as strings, null where the file has no value, and `id`, a string unique to the row.

    Raises:
        DataError: a file is empty, binary or malformed, or lacks a column.
        SourceError: a file cannot be read.
    """
    paths = [paths] if isinstance(paths, Path) else paths
    if ROW_ID in columns and id_column != ROW_ID:
        raise DataError(
            f"{name_paths(paths)}: a column called {ROW_ID!r} must be named in `data.id`, found it elsewhere in the "
            f"data section; set `data.id: {ROW_ID}` or rename the column"
        )
    wanted = list(dict.fromkeys([*columns, *([id_column] if id_column else [])]))
    table = pa.concat_tables([block for path in paths for block in _read_blocks(path, wanted, encoding)])
    ids = _build_ids(paths, table, id_column)
    kept = {name: table.column(name) for name in wanted if name != ROW_ID}
    # Without a fingerprint `datasets` would pickle all rows to make one; it is only used for caches on disk.
    return Dataset(pa.table({ROW_ID: ids, **kept}), fingerprint=generate_random_fingerprint())


def _build_ids(paths: Sequence[Path], table: pa.Table, column: str | None) -> pa.ChunkedArray:
    if column is None:
        return pa.chunked_array([pa.array(np.arange(len(table))).cast(TEXT)])
    ids: pa.ChunkedArray = table.column(column)
    if ids.null_count or pc.count_distinct(ids).as_py() < len(ids):
        seen: set[str | None] = {None}
        offenders = [value for value in ids.to_pylist() if value in seen or seen.add(value)]  # type: ignore[func-returns-value]
        raise DataError(
            f"{name_paths(paths)}: `data.id` must name a column of unique values, found "
            f"{format_examples(offenders)} empty or repeated in {column!r}; set `data.id: null` to number the rows"
        )
    return ids


def _read_blocks(path: Path, wanted: Sequence[str], encoding: str | None) -> Iterator[pa.Table]:
    """Yield tables of the wanted columns; never none at all."""
    rows = 0
    for block in read_snapshot_blocks(path, wanted) if path.is_dir() else _read_file_blocks(path, wanted, encoding):
        rows += len(block)
        yield block
    if not rows:
        raise DataError(f"{path}: must hold at least one row, found none; check that the file is whole")


def _read_file_blocks(path: Path, wanted: Sequence[str], encoding: str | None) -> Iterator[pa.Table]:
    with open_data(path) as opened:
        sample, name = opened.stream.read(_SAMPLE_BYTES), opened.name
    if sample.startswith(_PARQUET_MAGIC):
        return read_parquet_blocks(path, wanted)
    if not sample.removeprefix(codecs.BOM_UTF8).strip():
        raise DataError(f"{path}: must hold a header and rows, found an empty file; check that the file is whole")
    file = TextFile(path, name, detect_encoding(path, sample, encoding=encoding))
    opening = sample.decode(file.encoding, "ignore").lstrip()[:1]
    if name.lower().endswith(_JSON_ENDINGS) or opening in {"{", "["}:
        return read_json_blocks(file, wanted)
    return read_csv_blocks(file, wanted)
