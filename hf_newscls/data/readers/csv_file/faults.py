"""Faults of CSV files: records of another length, and misplaced quotes."""

import csv
import logging
import re
from collections.abc import Sequence
from itertools import islice

from hf_newscls.data.readers.encoding.text_file import Position, TextFile, build_long_error
from hf_newscls.errors import DataError, format_examples
from hf_newscls.recipe.files import CsvSection

_QUOTED = re.compile(r'"[^"]*(?:""[^"]*)*"(?!")')
_QUOTED_WITH_ESCAPES = re.compile(r'"[^"\\]*(?:(?:""|\\(?s:.))[^"\\]*)*"(?!")')
_TOO_LONG = "field larger than field limit"
_NO_QUOTES = "`data.csv.quoting: none` if quotes are part of the text"
_ESCAPE = "`data.csv.escape: backslash` if a backslash shows that a quote is part of the text"

logger = logging.getLogger(__name__)


class BadLines:
    """Collects the faulty records of a file, which are refused together, or skipped.

    Attributes:
        columns: names of the file's columns; records must have as many fields.
        count: number of their lines.
    """

    def __init__(self, file: TextFile, separator: str, section: CsvSection) -> None:
        self.columns: Sequence[str] = section.columns or []
        self.count = 0
        self._file, self._separator, self._section = file, separator, section
        self._ragged: list[tuple[int, int, int]] = []

    def accept(self, record: Sequence[str], start: int, end: int) -> bool:
        """Say whether a record is good; remember the lines `start` to `end` if it is not."""
        if len(record) == len(self.columns):
            return True
        self._ragged.append((start, end, len(record)))
        self.count += end - start + 1
        return False

    def accept_error(self, error: csv.Error, start: int, end: int) -> None:
        """Remember a record with a misplaced quote if such records are skipped, else raise a DataError."""
        is_cut_off = error.args == ("unexpected end of data",)  # all lines to the end of the file would be skipped
        if error.args and str(error.args[0]).startswith(_TOO_LONG):
            raise build_long_error(f"{self._file.path}: line {start}: a value", self._file.max_characters) from error
        if self._section.on_bad_lines == "skip" and not is_cut_off:
            self.count += end - start + 1
            return
        self.finish()  # these faults come first in the file
        position, field = self._locate_quote(start, end)
        name = repr(self.columns[field]) if field < len(self.columns) else f"number {field + 1}"
        raise DataError(
            f"{self._file.path}: line {position.line}, column {position.column}, field {name}: {error}, in the record "
            f"that starts on line {start}; fix the quote there, set {self._advise(start, end)}, or fetch the file "
            "again if it is cut off"
        ) from error

    def finish(self) -> None:
        """Refuse the records, or log the number of skipped lines.

        Raises:
            DataError: there are bad lines, and they are not to be skipped.
        """
        path, width = self._file.path, len(self.columns)
        if self._section.on_bad_lines == "skip":
            if self.count:
                logger.info("%s: skipped %s bad lines", path, f"{self.count:,}")
        elif self._ragged:
            lines, ends, lengths = zip(*self._ragged, strict=True)
            names = "`data.csv.columns`" if self._section.columns else "the header"
            raise DataError(
                f"{path}: line{'s' * (len(lines) > 1)} {format_examples(lines)}: {format_examples(lengths)} fields, "
                f"but {names} has {width}; fix the quotes or separators there, set "
                f"{self._advise(lines[0], ends[0])}, or set `data.csv.on_bad_lines: skip` to leave the lines out"
            )

    def _locate_quote(self, start: int, end: int) -> tuple[Position, int]:
        """Return the position of the misplaced quote of the record in lines `start` to `end`, and its field's index."""
        record, separator = self._read_lines(start, end), re.escape(self._separator)
        pattern = _QUOTED_WITH_ESCAPES if self._section.escape else _QUOTED
        field = re.compile(rf'(?:{pattern.pattern}|(?!")[^\n{separator}]*){separator}')
        index = number = 0
        while match := field.match(record, index):
            index, number = match.end(), number + 1
        # A quoted field with text after it, or one that never ends.
        quoted = pattern.match(record, index)
        return Position(start, 1).after(record[: quoted.end() - 1 if quoted else index]), number

    def _advise(self, start: int, end: int) -> str:
        """Return the key that may help with the record in lines `start` to `end`."""
        has_escapes = self._section.escape is None and '\\"' in self._read_lines(start, end)
        return _ESCAPE if has_escapes else _NO_QUOTES

    def _read_lines(self, start: int, end: int) -> str:
        with self._file.open() as stream:
            return "\n".join(line.rstrip("\r\n") for line in islice(self._file.iterate_lines(stream), start - 1, end))
