"""Rows that a quoted field swallowed: its quote opened in one row, and another one closed it rows later."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from hf_newscls.data.readers.csv_file.header import parse_records
from hf_newscls.data.readers.encoding.text_file import TextFile
from hf_newscls.errors import DataError, format_examples
from hf_newscls.recipe.files import CsvSection


class _Suspect(NamedTuple):
    """A record of several lines that look like rows."""

    start: int
    end: int
    rows: Sequence[Sequence[str]]


class SwallowedRows:
    """Collects records of several lines that look like rows, and decides at the end of the file what they are."""

    def __init__(self, file: TextFile, separator: str, section: CsvSection) -> None:
        self._file, self._separator, self._section = file, separator, section
        self._suspects: list[_Suspect] = []
        self._count = 0

    def note(self, record: Sequence[str], start: int, end: int) -> None:
        """Remember a record of several lines, from `start` to `end`."""
        self._count += 1
        if self._section.quoting is None and (rows := split_rows(record, self._separator)):
            self._suspects.append(_Suspect(start, end, rows))

    def refuse(self) -> None:
        """Raise a DataError if rows were swallowed.

        They were if all records of several lines look like rows; or if the lines of a record have the labels, or other
        values of one column, that records elsewhere have.
        """
        swallowed = self._suspects
        if len(swallowed) < self._count:
            swallowed = self._find_confirmed() if swallowed else []
        if swallowed:
            first, *others = swallowed
            more = f" (more such fields start on lines {format_examples(one.start for one in others)})"
            raise DataError(
                f"{self._file.path}: lines {first.start} to {first.end}: a quoted field holds lines that look like "
                f"rows of {len(first.rows[0])} fields{more if others else ''}; set `data.csv.quoting: none` if quotes "
                "are part of the text, or `data.csv.quoting: minimal` if the field is right"
            )

    def _find_confirmed(self) -> list[_Suspect]:
        rows = [row for suspect in self._suspects for row in suspect.rows]
        asked = [{*values} - {""} for values in zip(*rows, strict=True)]
        found: list[set[str]] = [set() for _ in asked]
        for record in self._read_others():
            for value, wanted, known in zip(record, asked, found, strict=False):
                if value in wanted:
                    known.add(value)
        return [
            suspect
            for suspect in self._suspects
            if any(
                known.issuperset(values) for known, values in zip(found, zip(*suspect.rows, strict=True), strict=True)
            )
        ]

    def _read_others(self) -> Iterator[list[str]]:
        starts, start = {suspect.start for suspect in self._suspects}, 1
        with self._file.open() as stream:
            reader = parse_records(self._file.iterate_lines(stream), self._separator, self._section)
            for record in reader:
                if start not in starts:
                    yield record
                start = reader.line_num + 1


def split_rows(record: Sequence[str], separator: str) -> list[list[str]]:
    r"""Return the fields of each line of a record if every line looks like a row, else nothing.

    A row has as many separators as the record. A sentence can have as many, but a space comes after its commas.

    >>> [split_rows([text, "X"], ",") for text in ("one,A\ntwo", "one, two\nthree", "one\ntwo")]
    [[['one', 'A'], ['two', 'X']], [], []]
    """
    text = separator.join(record)
    has_sentence = separator != "\t" and f"{separator} " in text
    if len(record) == 1 or has_sentence or not _compile_rows(separator, len(record)).fullmatch(text):
        return []
    return [line.split(separator) for line in re.split(r"[\r\n]+", text)]


@cache
def _compile_rows(separator: str, fields: int) -> re.Pattern[str]:
    mark = re.escape(separator)
    field = rf"[^{mark}\r\n]*"
    row = rf"{field}(?:{mark}{field}){{{fields - 1}}}"
    return re.compile(rf"{row}(?:[\r\n]+{row})+")
