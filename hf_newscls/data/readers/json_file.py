"""Read JSON lines and JSON arrays in blocks, and say in which line and column they are broken."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

import pyarrow as pa

from hf_newscls.data.readers.columns import build_blocks, check_columns, to_text
from hf_newscls.data.readers.encoding import TextFile
from hf_newscls.errors import DataError, format_examples

__all__ = ["read_json_blocks"]

_CHUNK_CHARACTERS = 1 << 20
# The parser gives up at most so far before the end of a text that was cut: the length of \uXXXX and of -Infinity.
_LOOK_BACK = 16
_SPACE = re.compile(r"[ \t\r\n]*")
_CONSTANTS = {"NaN": None, "Infinity": "Infinity", "-Infinity": "-Infinity"}
_INVALID = "must be valid JSON"


def read_json_blocks(file: TextFile, wanted: Sequence[str]) -> Iterator[pa.Table]:
    """Yield the wanted columns of a file of JSON lines or of one JSON array, block by block, in the file's order.

    Numbers become the text they are written as; true and false become True and False. A record may leave out what it
    has no value for, but every column must occur.

    Raises:
        DataError: something is no JSON or no object, a list or an object stands where text is wanted, a record has a
            column twice, or a column never occurs.
    """
    with file.open() as stream:
        is_array = _Window(stream).skip_space() == "["
    records, has_rows = _Records(file, wanted), False
    with file.open() as stream:
        texts = records.iterate_array(stream) if is_array else records.iterate_lines(stream)
        for block in build_blocks(texts, wanted):
            has_rows = True
            yield block
    records.refuse_faults()
    if has_rows:
        check_columns(file.path, wanted, [*records.names])


@dataclass(frozen=True)
class _Fault:
    """What is wrong with some records: `found` says it of the first of them."""

    must: str
    found: str
    remedy: str
    indices: list[int] = field(default_factory=list)


class _Records:
    """Takes the wanted texts out of records, and notes the records that cannot be used.

    Attributes:
        names: columns that occur, in the order they were found.
    """

    def __init__(self, file: TextFile, wanted: Sequence[str]) -> None:
        self.names: dict[str, None] = {}
        self._file, self._wanted = file, wanted
        self._repeated: set[str] = set()
        self._faults: dict[str, _Fault] = {}
        self._kind = "line"
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._build_object,
            parse_int=str,
            parse_float=str,
            parse_constant=_CONSTANTS.__getitem__,
        )

    def iterate_lines(self, stream: TextIO) -> Iterator[list[str | None]]:
        """Yield the texts of each line; broken lines are noted and passed over."""
        for number, line in enumerate(stream, start=1):
            if line.isspace():
                continue
            try:
                record = self._decoder.decode(line)
            except json.JSONDecodeError as error:
                column = min(error.pos, len(line.rstrip())) + 1
                self._note(number, _INVALID, f"got {_name_error(error)} at column {column}", "mend it")
            except RecursionError as error:
                self._note(number, "must be valid JSON that Python can hold", f"got {error}", "mend it")
            else:
                if (texts := self._take(number, record)) is not None:
                    yield texts

    def iterate_array(self, stream: TextIO) -> Iterator[list[str | None]]:
        """Yield the texts of each item; never more than the item and a chunk of the file is held."""
        self._kind = "item"
        window = _Window(stream)
        try:
            for number, record in enumerate(window.iterate_items(self._decoder)):
                if (texts := self._take(number, record)) is not None:
                    yield texts
        except json.JSONDecodeError as error:
            self.refuse_faults()
            line, column = window.locate(error.pos)
            raise DataError(
                f"{self._file.path}: line {line}: {_INVALID}, got {_name_error(error)} at column {column}; mend it"
            ) from error
        except RecursionError as error:
            line, _ = window.locate(window.index)
            raise DataError(
                f"{self._file.path}: line {line}: must be valid JSON that Python can hold, got {error}; mend it"
            ) from error

    def refuse_faults(self) -> None:
        """Raise a DataError where records were noted: the first kind of fault, with all records that have it."""
        for fault in self._faults.values():
            kind, rest = (self._kind, "") if len(fault.indices) == 1 else (f"{self._kind}s", " in the first")
            raise DataError(
                f"{self._file.path}: {kind} {format_examples(fault.indices)}: {fault.must}, {fault.found}{rest}; "
                f"{fault.remedy}"
            )

    def _build_object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        record = dict(pairs)
        if len(record) < len(pairs):
            names = [name for name, _ in pairs]
            self._repeated |= {name for name in record if names.count(name) > 1}
        return record

    def _take(self, number: int, record: Any) -> list[str | None] | None:
        repeated, self._repeated = self._repeated, set()
        if type(record) is not dict:
            self._note(number, "must be a JSON object", f"found {record!r:.60}", "mend the file there")
            return None
        if not self.names.keys() >= record.keys():
            self.names |= dict.fromkeys(record)
        if repeated and (names := repeated.intersection(self._wanted)):
            self._note(number, "must have each column once", f"found {min(names)!r} repeated", "rename one of them")
            return None
        texts = [record.get(name) for name in self._wanted]
        for index, value in enumerate(texts):
            if type(value) is str or value is None:
                continue
            if isinstance(value, (list, dict)):
                kind = "a list" if isinstance(value, list) else "an object"
                must = f"{self._wanted[index]!r} must be text or a number"
                self._note(number, must, f"found {kind}, {value!r:.60}", "name another column, or turn it into text")
                return None
            texts[index] = to_text(value)
        return texts

    def _note(self, number: int, must: str, found: str, remedy: str) -> None:
        self._faults.setdefault(must, _Fault(must, found, remedy)).indices.append(number)


def _name_error(error: json.JSONDecodeError) -> str:
    return error.msg.removesuffix(" at").removesuffix(" starting")


class _Window:
    """The part of a stream that is being parsed, and where in the file it begins.

    Attributes:
        index: of the next character, in the part that is held.
    """

    def __init__(self, stream: TextIO) -> None:
        self.index = 0
        self._stream, self._text, self._is_last = stream, "", False
        self._line, self._column = 1, 1

    def locate(self, index: int) -> tuple[int, int]:
        """Return line and column, from 1, of a place in the part that is held."""
        breaks = self._text.count("\n", 0, index)
        if not breaks:
            return self._line, self._column + index
        return self._line + breaks, index - self._text.rfind("\n", 0, index)

    def skip_space(self) -> str:
        """Go to the next character that is no white space and return it, or nothing at the end of the stream."""
        while True:
            match = _SPACE.match(self._text, self.index)
            self.index = match.end() if match else self.index
            if self.index < len(self._text):
                return self._text[self.index]
            if self._is_last:
                return ""
            self._grow()

    def iterate_items(self, decoder: json.JSONDecoder) -> Iterator[Any]:
        """Yield the items of the array that begins at the next character."""
        self.skip_space()
        self.index += 1
        following = self.skip_space()
        while following != "]":
            yield self._parse(decoder)
            following = self.skip_space()
            if following == ",":
                self.index += 1
                self.skip_space()
            elif following != "]":
                raise json.JSONDecodeError("Expecting ',' delimiter", self._text, self.index)
        self.index += 1
        if self.skip_space():
            raise json.JSONDecodeError("Extra data", self._text, self.index)

    def _parse(self, decoder: json.JSONDecoder) -> Any:
        while True:
            try:
                item, end = decoder.raw_decode(self._text, self.index)
            except json.JSONDecodeError as error:
                is_cut = error.msg.startswith("Unterminated string") or error.pos >= len(self._text) - _LOOK_BACK
                if self._is_last or not is_cut:
                    raise
            else:
                # What ends with the text may go on behind it, as a number does.
                if end < len(self._text) or self._is_last:
                    self.index = end
                    return item
            self._grow()

    def _grow(self) -> None:
        """Let go of what was parsed, and read at least as much as is left of it."""
        self._line, self._column = self.locate(self.index)
        rest = self._text[self.index :]
        more = self._stream.read(max(_CHUNK_CHARACTERS, len(rest)))
        self._text, self.index, self._is_last = rest + more, 0, not more
