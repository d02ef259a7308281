"""Parse JSON piece by piece from a stream: only one value is held."""

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from hf_newscls.data.readers.encoding.text_file import Position
from hf_newscls.errors import DataError

MAX_LEVELS = 8
"""Objects inside more objects than this are not searched for columns: their long paths could fill the memory."""

_CHUNK_CHARACTERS = 1 << 20
# A value cut off by the end of a chunk fails at most this far before that end: the length of \uXXXX and of -Infinity.
_LOOK_BACK = 16


def build_json_error(
    source_name: Path | str, values: "JsonStream", error: json.JSONDecodeError | RecursionError
) -> DataError:
    """Return the error for a value that could not be parsed, with its line and column."""
    line, column = values.locate(getattr(error, "pos", values.index))
    return DataError(f"{source_name}: line {line}, column {column}: {describe_fault(error)}; fix it there")


def describe_fault(error: json.JSONDecodeError | RecursionError) -> str:
    """Say what is wrong with a value, without the position."""
    if isinstance(error, LongValueError):
        return f"a value has {error.msg}; raise data.max_characters if that is right"
    if isinstance(error, json.JSONDecodeError):
        return f"invalid JSON ({error.msg.removesuffix(' at').removesuffix(' starting')})"
    return f"too deeply nested ({error})"


class LongValueError(json.JSONDecodeError):
    """A value has too many characters."""


class JsonStream:
    """JSON values in a stream; one value and one chunk are held, with the `index` of the next character.

    A value of more than `max_characters` is a fault; it is not read to its end.

    The methods that read must be called where what they read begins, and raise json.JSONDecodeError.
    """

    def __init__(self, stream: TextIO, decoder: json.JSONDecoder, *, max_characters: int | None = None) -> None:
        self.index = 0
        self._limit = max_characters or math.inf
        self._stream, self._decoder = stream, decoder
        self._text, self._is_last = "", False
        self._start = Position()

    def locate(self, index: int) -> Position:
        """Return the position in the file of an index in the text that is held."""
        return self._start.after(self._text[:index])

    def skip_space(self, characters: int = 0) -> str:
        """Skip some characters and the white space after them; return the next character, "" at the end."""
        self.index += characters
        while True:
            while self._text[self.index : self.index + 1].isspace():
                self.index += 1
            if self.index < len(self._text) or self._is_last:
                return self._text[self.index : self.index + 1]
            self._grow()

    def read_values(self) -> Iterator[Any]:
        """Yield the values up to the end of the stream."""
        while self.skip_space():
            yield self.read_value()

    def read_items(self) -> Iterator[Any]:
        """Yield the items of an array."""
        following = self.skip_space(1)
        while following != "]":
            yield self.read_value()
            following = self._pass_comma("]")
        self.skip_space(1)

    def read_keys(self) -> Iterator[str]:
        """Yield the keys of an object; after each, the caller reads the value, which begins at the next character."""
        following = self.skip_space(1)
        while following != "}":
            if following != '"':
                raise self.build_error("Expecting property name enclosed in double quotes")
            key = self.read_value()
            if self.skip_space() != ":":
                raise self.build_error("Expecting ':' delimiter")
            self.skip_space(1)
            yield key
            following = self._pass_comma("}")
        self.skip_space(1)

    def read_items_at(self, path: Sequence[str]) -> Iterator[Any]:
        """Yield the items of the array at a path of keys; nothing if there is none."""
        following = self.skip_space()
        if path and following == "{":
            for key in self.read_keys():
                yield from self.read_items_at(path[1:]) if key == path[0] else self._skip()
        elif not path and following == "[":
            yield from self.read_items()
        else:
            self.read_value()

    def read_outline(self, prefix: str = "", *, levels: int = MAX_LEVELS) -> Iterator[tuple[str, Any]]:
        """Yield path and value of everything in an object; of an object {}, and of an array its first item in a list.

        An object below `levels` others is one value.

        >>> import io
        >>> stream = JsonStream(io.StringIO('{"a": {"b": 1}, "c": [2, 3]}'), json.JSONDecoder())
        >>> stream.skip_space(), [*stream.read_outline()]
        ('{', [('a', {}), ('a.b', 1), ('c', [2])])
        """
        for key in self.read_keys():
            path, following = prefix + key, self.skip_space()
            if following == "{" and levels:
                yield path, {}
                yield from self.read_outline(f"{path}.", levels=levels - 1)
            elif following == "[":
                items = self.read_items()
                yield path, [item for item in [next(items, None)] if item is not None]
                for _ in items:
                    pass
            else:
                yield path, self.read_value()

    def read_value(self) -> Any:
        """Return the value."""
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self.index)
            except json.JSONDecodeError as error:
                is_cut = error.msg.startswith("Unterminated string") or error.pos >= len(self._text) - _LOOK_BACK
                if self._is_last or not is_cut:
                    raise
            else:
                # A value that ends where the text ends may continue in the next chunk, as a number can.
                if end < len(self._text) or self._is_last:
                    self.index = end
                    return value
            self._grow()

    def build_error(self, message: str) -> json.JSONDecodeError:
        """Return the error for what begins at the next character."""
        return json.JSONDecodeError(message, self._text, self.index)

    def _skip(self) -> Iterator[Any]:
        """Read a value and keep nothing; yield nothing."""
        following = self.skip_space()
        if following == "{":
            for _ in self.read_keys():
                yield from self._skip()
        elif following == "[":
            for _ in self.read_items():
                pass
        else:
            self.read_value()

    def _pass_comma(self, end: str) -> str:
        """Return the next character after a comma, or the `end`."""
        following = self.skip_space()
        if following == ",":
            # A missing value after the comma is reported where it should be.
            following = self.skip_space(1)
            return "" if following == end else following
        if following != end:
            raise self.build_error("Expecting ',' delimiter")
        return following

    def _grow(self) -> None:
        """Drop the text that was parsed, and read at least as much as is left."""
        self._start = self.locate(self.index)
        rest = self._text[self.index :]
        if len(rest) > self._limit:
            raise LongValueError(f"more than {self._limit:,} characters without an end", self._text, self.index)
        more = self._stream.read(max(_CHUNK_CHARACTERS, len(rest)))
        self._text, self.index, self._is_last = rest + more, 0, not more
