"""Read CSV, JSON lines, JSON arrays and Parquet into a `Dataset` of text columns."""

import codecs
import csv
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset

from hf_newscls.errors import DataError, describe_offenders, suggest_name

__all__ = ["ROW_ID", "read_rows"]

ROW_ID = "id"
_PARQUET_MAGIC = b"PAR1"
_SAMPLE_BYTES = 1 << 16
_MAX_FIELD_CHARACTERS = (1 << 31) - 1
# Tab, line feed, form feed and carriage return are text; the other control characters are not.
_BINARY_BYTES = frozenset(range(32)) - {9, 10, 12, 13, 27}

logger = logging.getLogger(__name__)


def read_rows(
    path: Path, *, columns: Sequence[str], id_column: str | None = None, encoding: str | None = None
) -> Dataset:
    """Read the named columns of a news file, one row a record, in the file's order.

    The kind of file is told by its content, then by its ending. Columns without a name in a CSV header are called
    `Unnamed: 0` and so on, after their place, as pandas does.

    Args:
        path: the file.
        columns: columns to read; every one must be there.
        id_column: column of unique row ids; without it the id is the row's place in the file, from 0.
        encoding: the file's encoding; without it UTF-8 with or without a byte order mark, else latin-1.

    Returns:
        The columns as strings, null where the file has no value, and `id`, a string unique to the row.

    Raises:
        DataError: the file is empty, binary or malformed, or lacks a column.
    """
    if ROW_ID in columns and id_column != ROW_ID:
        raise DataError(
            f"{path}: a column called {ROW_ID!r} must be named in `data.id`, found it elsewhere in the data section; "
            f"set `data.id: {ROW_ID}` or rename the column"
        )
    wanted = list(dict.fromkeys([*columns, *([id_column] if id_column else [])]))
    values = _read_columns(path, wanted, encoding=encoding)
    rows = len(values[wanted[0]])
    if rows == 0:
        raise DataError(f"{path}: must hold at least one row, found none; check that the file is whole")
    ids = _check_ids(path, values[id_column], column=id_column) if id_column else [str(row) for row in range(rows)]
    kept = {name: values[name] for name in wanted if name != ROW_ID}
    return Dataset(pa.table({ROW_ID: pa.array(ids, pa.large_string())} | _to_arrow(kept)))


def _to_arrow(columns: dict[str, list[str | None]]) -> dict[str, pa.Array]:
    # Large strings: a column of whole articles outgrows the 2 GiB that 32-bit offsets reach.
    return {name: pa.array(values, pa.large_string()) for name, values in columns.items()}


def _check_ids(path: Path, ids: list[str | None], *, column: str) -> list[str]:
    seen: set[str | None] = {None}
    offenders = [value for value in ids if value in seen or seen.add(value)]  # type: ignore[func-returns-value]
    if offenders:
        raise DataError(
            f"{path}: `data.id` must name a column of unique values, found {describe_offenders(offenders)} empty or "
            f"repeated in {column!r}; set `data.id: null` to number the rows"
        )
    return [str(value) for value in ids]


def _read_columns(path: Path, wanted: Sequence[str], *, encoding: str | None) -> dict[str, list[str | None]]:
    with path.open("rb") as stream:
        sample = stream.read(_SAMPLE_BYTES)
    if not sample.removeprefix(codecs.BOM_UTF8).strip():
        raise DataError(f"{path}: must hold a header and rows, found an empty file; check that the file is whole")
    if sample.startswith(_PARQUET_MAGIC):
        return _read_parquet(path, wanted)
    _refuse_binary(path, sample)
    codec = _detect_encoding(path) if encoding is None else "utf-8-sig" if _is_utf8(encoding) else encoding
    is_json = path.suffix in {".json", ".jsonl"} or sample.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in {b"{", b"["}
    try:
        with path.open(encoding=codec, newline="") as stream:
            return _read_json(path, stream, wanted) if is_json else _read_csv(path, stream, wanted)
    except (UnicodeDecodeError, LookupError) as error:
        raise DataError(
            f"{path}: must be readable as `data.encoding`, got {encoding or codec!r} ({error}); set the file's own"
        ) from error


def _refuse_binary(path: Path, sample: bytes) -> None:
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DataError(f"{path}: must be UTF-8 or latin-1 text, found UTF-16; convert it to UTF-8 first")
    place = next((place for place, byte in enumerate(sample) if byte in _BINARY_BYTES), None)
    if place is not None:
        raise DataError(
            f"{path}: must be CSV, JSON or Parquet, found byte {sample[place]:#04x} at offset {place}: a binary "
            "file; unpack it, or name another file"
        )


def _is_utf8(encoding: str) -> bool:
    return encoding.lower().replace("_", "-") in {"utf-8", "utf8"}


def _detect_encoding(path: Path) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        logger.info("%s: not UTF-8 (%s), read as latin-1", path, error.reason)
        return "latin-1"
    return "utf-8-sig"


def _read_csv(path: Path, stream: TextIO, wanted: Sequence[str]) -> dict[str, list[str | None]]:
    # The default limit of 131,072 characters is shorter than some articles; it can only be set for the process.
    csv.field_size_limit(_MAX_FIELD_CHARACTERS)
    records = _iterate_csv(path, stream)
    header = [name or f"Unnamed: {place}" for place, name in enumerate(next(records))]
    _check_columns(path, wanted, header)
    places = [header.index(name) for name in wanted]
    values: dict[str, list[str | None]] = {name: [] for name in wanted}
    for record in records:
        for name, place in zip(wanted, places, strict=True):
            values[name].append(record[place] or None)
    return values


def _iterate_csv(path: Path, stream: TextIO) -> Iterator[list[str]]:
    reader = csv.reader(stream, strict=True, delimiter="\t" if path.suffix == ".tsv" else ",")
    width, start = 0, 1
    try:
        for record in reader:
            width = width or len(record)
            if record and len(record) != width:
                raise DataError(
                    f"{path}: line {start}: must hold {width} fields like the header, found {len(record)}; "
                    "mend the line's quotes or commas"
                )
            if record:
                yield record
            start = reader.line_num + 1
    except csv.Error as error:
        hint = "the file is cut off, fetch it again" if "unexpected end" in str(error) else "mend its quotes"
        raise DataError(f"{path}: the record that starts on line {start} must be whole, got {error}; {hint}") from error


def _read_json(path: Path, stream: TextIO, wanted: Sequence[str]) -> dict[str, list[str | None]]:
    values: dict[str, list[str | None]] = {name: [] for name in wanted}
    found: dict[str, None] = {}  # a record may leave out what it has no value for
    for place, record in _iterate_json(path, stream):
        if not isinstance(record, dict):
            raise DataError(f"{path}: {place}: must be a JSON object, found {record!r:.60}; mend the file there")
        found |= dict.fromkeys(record)
        for name in wanted:
            value = record.get(name)
            values[name].append(_to_text(value))
    if found:
        _check_columns(path, wanted, [*found])
    return values


def _iterate_json(path: Path, stream: TextIO) -> Iterator[tuple[str, Any]]:
    opening = stream.read(1)
    while opening.isspace():
        opening = stream.read(1)
    stream.seek(0)
    if opening == "[":
        yield from ((f"item {place}", record) for place, record in enumerate(_parse_json(path, "", stream.read())))
        return
    for number, line in enumerate(stream, start=1):
        if line.strip():
            yield f"line {number}", _parse_json(path, f"line {number}: ", line)


def _parse_json(path: Path, where: str, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = where or f"line {error.lineno}: "
        raise DataError(
            f"{path}: {place}must be valid JSON, got {error.msg} at column {error.colno}; mend it"
        ) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: {where}must be valid JSON that Python can hold, got {error}; mend it") from error


def _read_parquet(path: Path, wanted: Sequence[str]) -> dict[str, list[str | None]]:
    try:
        _check_columns(path, wanted, pq.read_schema(path).names)
        table = pq.read_table(path, columns=[*wanted])
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: must be a whole Parquet file, got {error}; fetch it again") from error
    return {name: [_to_text(value) for value in table.column(name).to_pylist()] for name in wanted}


def _to_text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    text = str(value)
    # JSON can hold half of a surrogate pair, which no file can; it becomes the replacement character.
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _check_columns(path: Path, wanted: Iterable[str], found: Sequence[str]) -> None:
    wanted = [*wanted]
    repeated = [name for name in wanted if found.count(name) > 1]
    if repeated:
        raise DataError(
            f"{path}: must have each column once, found {describe_offenders(repeated)} repeated; rename them"
        )
    missing = [name for name in wanted if name not in found]
    if not missing:
        return
    hints = [f"did you mean {close!r} for {name!r}?" for name in missing if (close := suggest_name(name, found))]
    hint = " ".join(hints) or "set data.text, data.label, data.id and data.keep to columns of the file"
    raise DataError(
        f"{path}: must have the columns {describe_offenders(missing)}, found {describe_offenders(found, limit=12)}; "
        f"{hint}"
    )
