"""Write tables one after the other into a CSV, JSON Lines or Parquet file; only one is in memory."""

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hf_newscls.errors import InputError


def find_writer(output: Path) -> Callable[[Iterable[pa.Table], pa.Schema, Path], None]:
    """Return the function that writes the format which the ending of a file's name says.

    Raises:
        InputError: the ending is another one.
    """
    writer = _WRITERS.get(output.suffix.lower())
    if writer is None:
        raise InputError(
            f"{output}: the ending {output.suffix!r} names no format for answers; use {', '.join(_WRITERS)}"
        )
    return writer


def write_csv(tables: Iterable[pa.Table], schema: pa.Schema, path: Path) -> None:
    """Write UTF-8 with a header, and quotes only where they are needed; null becomes an empty field."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        plain = csv.writer(stream, lineterminator="\n")
        quoted = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
        plain.writerow(schema.names)
        for table in tables:
            for row in zip(*map(_to_values, table.columns), strict=True):
                # Python 3.11 leaves a carriage return without quotes, and readers end the row there.
                has_return = any("\r" in value for value in row if isinstance(value, str))
                (quoted if has_return else plain).writerow(row)


def write_json_lines(tables: Iterable[pa.Table], schema: pa.Schema, path: Path) -> None:
    """Write an object a line, with all columns."""
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for table in tables:
            for values in zip(*map(_to_values, table.columns), strict=True):
                row = dict(zip(schema.names, values, strict=True))
                stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def write_parquet(tables: Iterable[pa.Table], schema: pa.Schema, path: Path) -> None:
    """Write a row group for each table."""
    with pq.ParquetWriter(path, schema) as writer:
        for table in tables:
            writer.write_table(table)


def _to_values(column: pa.ChunkedArray) -> list[Any]:
    """Return the values; a float32 becomes the float with the fewest digits, and not 0.6113092303276062."""
    if not pa.types.is_floating(column.type):
        values: list[Any] = column.to_pylist()
        return values
    return [value if value is None else float(value) for value in column.cast(pa.string()).to_pylist()]


_WRITERS: Mapping[str, Callable[[Iterable[pa.Table], pa.Schema, Path], None]] = {
    ".csv": write_csv,
    ".jsonl": write_json_lines,
    ".parquet": write_parquet,
}
