"""Read CSV in blocks, and report the line and column of a fault.

Python's `csv` does the parsing: pandas fills short records up, and pandas and pyarrow accept misplaced quotes.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TextIO

from hf_newscls.data.readers.columns import Block, build_blocks, check_columns
from hf_newscls.data.readers.encoding import Position, TextFile
from hf_newscls.errors import DataError, format_examples

_MAX_FIELD_CHARACTERS = (1 << 31) - 1
_QUOTED = re.compile(r'"[^"]*(?:""[^"]*)*"(?!")')


def read_csv_blocks(file: TextFile, wanted: Sequence[str]) -> Iterator[Block]:
    """Yield the wanted columns of a CSV file, block by block, in the file's order.

    Columns without a name in the header are called `Unnamed: 0` and so on by their index, as in pandas. The separator
    is a tab in files named .tsv, a semicolon or tab if the header has these and no comma, else a comma. Empty lines
    are skipped.

    Raises:
        DataError: a column is missing or occurs twice, records differ in length, or a quote is misplaced.
    """
    # The default limit of 131,072 characters is shorter than some articles; it can only be set for the whole process.
    csv.field_size_limit(_MAX_FIELD_CHARACTERS)
    delimiter = _find_delimiter(file)
    with file.open() as stream:
        records = _read_records(file, stream, delimiter)
        _, first = next(records, (1, []))
        header = _name_columns(first)
        check_columns(file.path, wanted, header)
        indices = [header.index(name) for name in wanted]
        rows = ([line, *[record[index] for index in indices]] for line, record in records)
        yield from build_blocks(rows, wanted, unit="line")


def _name_columns(header: Sequence[str]) -> list[str]:
    return [name or f"Unnamed: {index}" for index, name in enumerate(header)]


def _find_delimiter(file: TextFile) -> str:
    if file.name.lower().endswith(".tsv"):
        return "\t"
    with file.open() as stream:
        header = _QUOTED.sub("", next((line for line in stream if line.strip()), ""))
    return "," if "," in header else max(",;\t", key=header.count)


def _read_records(file: TextFile, stream: TextIO, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield header and records, each with its first line; records of another length are refused at the end."""
    reader = csv.reader(stream, strict=True, delimiter=delimiter)
    header: list[str] = []
    ragged: list[tuple[int, int]] = []
    start = 1
    try:
        for record in reader:
            header = header or record
            if record and len(record) == len(header):
                yield start, record
            elif record:
                ragged.append((start, len(record)))
            start = reader.line_num + 1
    except csv.Error as error:
        # If records before the stray quote differ in length, they come first in the file and are reported.
        if not ragged:
            position, field = _locate_quote(file, start, reader.line_num, delimiter)
            names = [repr(name) for name in _name_columns(header)]
            name = names[field] if field < len(names) else f"number {field + 1}"
            raise DataError(
                f"{file.path}: line {position.line}, column {position.column}, field {name}: {error}, in the record "
                f"that starts on line {start}; fix the quote there, or fetch the file again if it is cut off"
            ) from error
    if ragged:
        lines, lengths = zip(*ragged, strict=True)
        raise DataError(
            f"{file.path}: line{'s' * (len(ragged) > 1)} {format_examples(lines)}: {format_examples(lengths)} fields, "
            f"but the header has {len(header)}; fix the quotes or separators there"
        )


def _locate_quote(file: TextFile, start: int, end: int, delimiter: str) -> tuple[Position, int]:
    """Return the position of the misplaced quote of the record in lines `start` to `end`, and its field's index."""
    with file.open() as stream:
        lines = [line.rstrip("\r\n") for line in islice(stream, start - 1, end)]
    record = "\n".join(lines)
    field = re.compile(rf'(?:{_QUOTED.pattern}|(?!")[^\n{delimiter}]*){delimiter}')
    index = number = 0
    while match := field.match(record, index):
        index, number = match.end(), number + 1
    # A quoted field with text after it, or one that never ends.
    quoted = _QUOTED.match(record, index)
    return Position(start, 1).after(record[: quoted.end() - 1 if quoted else index]), number
