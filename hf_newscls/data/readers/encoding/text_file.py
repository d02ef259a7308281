"""Text files, and positions in them."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple, TextIO

from hf_newscls.data.readers.compression import open_data
from hf_newscls.errors import DataError

EncodingErrors = Literal["strict", "replace"]

MAX_CHARACTERS = 1_000_000
"""Length of the longest value, unless a recipe says otherwise."""

VALUES_PER_ROW = 8
"""Length of the longest row in lengths of the longest value: JSON can write one character as six, and columns that are
not wanted count too."""


class Position(NamedTuple):
    """A position in a text: line and column, both from 1."""

    line: int = 1
    column: int = 1

    def after(self, text: str) -> "Position":
        r"""Return the position after a piece of text with lines that end in line feeds.

        >>> Position(3, 5).after("a storm"), Position(3, 5).after("a\nstorm")
        (Position(line=3, column=12), Position(line=4, column=6))
        """
        breaks = text.count("\n")
        return Position(self.line + breaks, len(text) - text.rfind("\n") + (0 if breaks else self.column - 1))


@dataclass(frozen=True)
class TextFile:
    """A text file, which may be compressed."""

    path: Path
    name: str  # without the ending of a compression
    encoding: str
    errors: EncodingErrors = "strict"
    max_characters: int = MAX_CHARACTERS  # of a value

    @property
    def max_row(self) -> int:
        """Number of characters of the longest row."""
        return self.max_characters * VALUES_PER_ROW

    @contextmanager
    def open(self, *, newline: str | None = "") -> Iterator[TextIO]:
        """Open it as text, with the line ends it has unless `newline` is None; raises what `open_data` raises."""
        with (
            open_data(self.path) as opened,
            io.TextIOWrapper(opened.stream, encoding=self.encoding, errors=self.errors, newline=newline) as stream,
        ):
            yield stream

    def iterate_lines(self, stream: TextIO) -> Iterator[str]:
        """Yield the lines of the open file; raise a DataError instead of reading one that is longer than a row."""
        limit = self.max_row
        for number, line in enumerate(iter(partial(stream.readline, limit), ""), start=1):
            if len(line) == limit:
                raise build_long_error(f"{self.path}: line {number}: the line", limit)
            yield line


def build_long_error(value: str, limit: int) -> DataError:
    """Return the error for a value, or a line, of more than `limit` characters; `value` begins with its position."""
    return DataError(
        f"{value} has more than {limit:,} characters; check quotes and line ends there, or raise data.max_characters"
    )
