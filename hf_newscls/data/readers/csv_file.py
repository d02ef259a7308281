"""Read CSV in blocks, and say in which line and column it is broken."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from operator import itemgetter
from typing import TextIO

import pyarrow as pa

from hf_newscls.data.readers.columns import build_blocks, check_columns
from hf_newscls.data.readers.encoding import TextFile
from hf_newscls.errors import DataError, format_examples

__all__ = ["read_csv_blocks"]

_MAX_FIELD_CHARACTERS = (1 << 31) - 1


def read_csv_blocks(file: TextFile, wanted: Sequence[str]) -> Iterator[pa.Table]:
    """Yield the wanted columns of a CSV file, block by block, in the file's order.

    Columns without a name in the header are called `Unnamed: 0` and so on, after their place, as pandas does. Fields
    are separated by tabs where the file's name ends in .tsv, and by semicolons or tabs where the header has those and
    no comma. Empty lines are passed over.

    Raises:
        DataError: a column is missing or repeated, records differ in length, or a quote is misplaced.
    """
    # The default limit of 131,072 characters is shorter than some articles; it can only be set for the process.
    csv.field_size_limit(_MAX_FIELD_CHARACTERS)
    with file.open() as stream:
        records = _iterate_records(file, stream)
        header = _name_columns(next(records, []))
        check_columns(file.path, wanted, header)
        yield from build_blocks(map(_build_picker([header.index(name) for name in wanted]), records), wanted)


def _name_columns(header: Sequence[str]) -> list[str]:
    return [name or f"Unnamed: {index}" for index, name in enumerate(header)]


def _build_picker(indices: Sequence[int]) -> Callable[[list[str]], tuple[str, ...]]:
    if len(indices) == 1:
        return lambda record: (record[indices[0]],)
    return itemgetter(*indices)


def _find_delimiter(file: TextFile) -> str:
    """Return what stands between fields: a comma, unless the name or a header without commas says otherwise."""
    if file.name.lower().endswith(".tsv"):
        return "\t"
    with file.open() as stream:
        header = re.sub(r'"[^"]*"', "", next((line for line in stream if line.strip()), ""))
    return "," if "," in header else max(",;\t", key=header.count)


def _iterate_records(file: TextFile, stream: TextIO) -> Iterator[list[str]]:
    """Yield the header and the records; records of another length are all counted before they are refused."""
    reader = csv.reader(stream, strict=True, delimiter=_find_delimiter(file))
    header: list[str] = []
    ragged: list[tuple[int, int]] = []
    start = 1
    try:
        for record in reader:
            if record:
                header = header or record
                if len(record) == len(header):
                    yield record
                else:
                    ragged.append((start, len(record)))
            start = reader.line_num + 1
    except csv.Error as error:
        # A stray quote can make the records before it ragged; what comes first in the file is told first.
        if not ragged:
            raise _refuse_record(file, start, header, error) from error
    if ragged:
        lines, lengths = zip(*ragged, strict=True)
        one, its = ("line", "line's") if len(ragged) == 1 else ("lines", "lines'")
        raise DataError(
            f"{file.path}: {one} {format_examples(lines)}: must hold {len(header)} fields like the header, found "
            f"{format_examples(lengths)}; mend the {its} quotes or separators"
        )


def _refuse_record(file: TextFile, start: int, header: Sequence[str], error: csv.Error) -> DataError:
    line, column, index = _locate_quote(file, start)
    names = _name_columns(header)
    field = repr(names[index]) if index < len(names) else f"number {index + 1}"
    hint = "the file is cut off, fetch it again" if "unexpected end" in str(error) else "mend its quotes"
    return DataError(
        f"{file.path}: the record that starts on line {start} must be whole, got {error} (quote in line {line}, column "
        f"{column}, field {field}); {hint}"
    )


def _locate_quote(file: TextFile, start: int) -> tuple[int, int, int]:
    """Return line and column of the quote that a record stumbles over, from 1, and the place of its field, from 0."""
    delimiter = _find_delimiter(file)
    opened, field, is_open = (start, 1), 0, False
    with file.open() as stream:
        for number, line in enumerate(islice(stream, start - 1, None), start=start):
            index = 0
            while 0 <= index < len(line):
                if is_open:
                    index = line.find('"', index) + 1
                    if not index:
                        break
                    if line[index : index + 1] == '"':
                        index += 1
                        continue
                    is_open = False
                    if line[index : index + 1] not in {"", delimiter, "\r", "\n"}:
                        return number, index, field
                elif line[index] == '"':
                    opened, is_open, index = (number, index + 1), True, index + 1
                else:
                    index = line.find(delimiter, index) + 1
                    if not index:
                        break
                    field += 1
    return (*opened, field)
