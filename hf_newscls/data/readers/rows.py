"""Read CSV, JSON lines, JSON arrays, Parquet and datasets of the Hub into a `Dataset` of text columns."""

import codecs
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset
from datasets.fingerprint import generate_random_fingerprint

from hf_newscls.data.readers.columns import TEXT, Block
from hf_newscls.data.readers.compression import open_data
from hf_newscls.data.readers.csv_file import read_csv_blocks
from hf_newscls.data.readers.encoding import EncodingErrors, TextFile, detect_encoding
from hf_newscls.data.readers.hub_snapshot import read_snapshot_blocks
from hf_newscls.data.readers.json_file import read_json_blocks
from hf_newscls.data.readers.parquet_file import read_parquet_blocks
from hf_newscls.errors import DataError, format_examples
from hf_newscls.files import name_paths

ROW_ID = "id"
_SAMPLE_BYTES = 1 << 16


def read_rows(
    paths: Path | Sequence[Path],
    *,
    columns: Sequence[str],
    id_column: str | None = None,
    label_column: str | None = None,
    encoding: str | None = None,
    encoding_errors: EncodingErrors = "strict",
) -> Dataset:
    """Read the named columns of news files as strings, and `id`, one row a record, in the files' order.

    The content decides how a file is read, then the ending of its name. Rows go into Arrow block by block: a file is
    never held as Python objects, and a compressed text file never as a whole.

    Args:
        paths: a file, or files that all have the columns; a folder is the snapshot of a dataset of the Hub.
        columns: columns to read; null stands for an empty value.
        id_column: column of unique row ids; if None, ids are the indices of the rows over all files, from 0.
        label_column: one of `columns` that must have a value in every row.
        encoding: encoding of text files; if None, `detect_encoding` finds it.
        encoding_errors: whether bytes that are not valid in it are refused or replaced.

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
    tables = (
        _check_blocks(_read_blocks(path, wanted, encoding, encoding_errors), path, label_column) for path in paths
    )
    table = pa.concat_tables([*chain.from_iterable(tables)])
    ids = _build_ids(paths, table, id_column)
    kept = {name: table.column(name) for name in wanted if name != ROW_ID}
    # Without a fingerprint `datasets` would pickle all rows to compute one, which only its caches on disk use.
    return Dataset(pa.table({ROW_ID: ids, **kept}), fingerprint=generate_random_fingerprint())


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


def _read_blocks(path: Path, wanted: Sequence[str], encoding: str | None, errors: EncodingErrors) -> Iterator[Block]:
    if path.is_dir():
        return read_snapshot_blocks(path, wanted)
    with open_data(path) as opened:
        sample, name = opened.stream.read(_SAMPLE_BYTES), opened.name
    if sample.startswith(b"PAR1"):
        return read_parquet_blocks(path, wanted)
    if not sample.removeprefix(codecs.BOM_UTF8).strip():
        raise DataError(f"{path}: an empty file; check that it is whole")
    file = TextFile(path, name, detect_encoding(path, sample, encoding=encoding, errors=errors), errors)
    is_json = name.lower().endswith((".json", ".jsonl", ".ndjson"))
    if is_json or sample.decode(file.encoding, "ignore").lstrip()[:1] in {"{", "["}:
        return read_json_blocks(file, wanted)
    return read_csv_blocks(file, wanted)
