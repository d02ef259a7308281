"""Read JSON lines and JSON arrays in blocks, and report the line and column of a fault.

Python's `json` does the parsing: pandas and pyarrow turn 1.10 into 1.1, and neither notices a key that occurs twice.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

from hf_newscls.data.readers.columns import Block, build_blocks, check_columns, to_text
from hf_newscls.data.readers.encoding import Position, TextFile
from hf_newscls.errors import DataError, format_examples

_CHUNK_CHARACTERS = 1 << 20
# An item cut off by the end of a chunk fails at most this far before that end: the length of \uXXXX and of -Infinity.
_LOOK_BACK = 16
_CONSTANTS = {"NaN": None, "Infinity": "Infinity", "-Infinity": "-Infinity"}


def read_json_blocks(file: TextFile, wanted: Sequence[str]) -> Iterator[Block]:
    """Yield the wanted columns of a file of JSON lines or of one JSON array, block by block, in the file's order.

    Numbers become the text they are written as, true and false become True and False. A record may leave columns out,
    but every column must occur in some record.

    Raises:
        DataError: invalid JSON, a record that is not an object or has a column twice, a nested value instead of text,
            or a column that never occurs.
    """
    with file.open(newline=None) as stream:
        is_array = _Array(stream).skip_space() == "["
    records, has_rows = _Records(file, wanted), False
    with file.open(newline=None) as stream:
        rows = records.read_array(stream) if is_array else records.read_lines(stream)
        for block in build_blocks(rows, wanted, unit="item" if is_array else "line"):
            has_rows = True
            yield block
    if has_rows:
        check_columns(file.path, wanted, [*records.names])


class _Records:
    """Takes the wanted texts out of records, and collects the `names` of columns and the records with a fault."""

    def __init__(self, file: TextFile, wanted: Sequence[str]) -> None:
        self.names: dict[str, None] = {}
        self._path, self._wanted = file.path, wanted
        self._repeated: set[str] = set()
        self._faulty: list[int] = []
        self._first_fault = ""
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._build_object,
            parse_int=str,
            parse_float=str,
            parse_constant=_CONSTANTS.__getitem__,
        )

    def read_lines(self, stream: TextIO) -> Iterator[Sequence[Any]]:
        """Yield number and texts of each line; raise at the end if lines could not be used."""
        for number, line in enumerate(stream, start=1):
            if line.isspace():
                continue
            try:
                record = self._decoder.decode(line)
            except (json.JSONDecodeError, RecursionError) as error:
                column = min(getattr(error, "pos", 0), len(line.rstrip())) + 1
                self._note(number, f"column {column}: {_describe(error)}")
            else:
                yield from self._take(number, record)
        self._refuse_faults("line")

    def read_array(self, stream: TextIO) -> Iterator[Sequence[Any]]:
        """Yield index and texts of each item; raise at the end if items could not be used."""
        array = _Array(stream)
        try:
            for number, record in enumerate(array.read_items(self._decoder)):
                yield from self._take(number, record)
        except (json.JSONDecodeError, RecursionError) as error:
            self._refuse_faults("item")
            line, column = array.locate(getattr(error, "pos", array.index))
            raise DataError(f"{self._path}: line {line}, column {column}: {_describe(error)}; fix it there") from error
        self._refuse_faults("item")

    def _build_object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        record = dict(pairs)
        if len(record) < len(pairs):
            self._repeated |= {name for name, count in Counter(name for name, _ in pairs).items() if count > 1}
        return record

    def _take(self, number: int, record: Any) -> Iterator[Sequence[Any]]:
        """Yield the texts of a record, unless it has a fault."""
        repeated, self._repeated = self._repeated.intersection(self._wanted), set()
        if type(record) is not dict:
            return self._note(number, f"{record!r:.60} is not a JSON object")
        if not self.names.keys() >= record.keys():
            self.names |= dict.fromkeys(record)
        if repeated:
            return self._note(number, f"column {min(repeated)!r} occurs twice")
        values = [record.get(name) for name in self._wanted]
        for name, value in zip(self._wanted, values, strict=True):
            if isinstance(value, (list, dict)):
                return self._note(number, f"column {name!r} holds {value!r:.60}, not text or a number")
        yield [number, *[value if type(value) is str else to_text(value) for value in values]]

    def _note(self, number: int, fault: str) -> None:
        self._first_fault = self._first_fault or fault
        self._faulty.append(number)

    def _refuse_faults(self, unit: str) -> None:
        if self._faulty:
            others = f" ({len(self._faulty)} {unit}s are faulty: {format_examples(self._faulty)})"
            raise DataError(
                f"{self._path}: {unit} {self._faulty[0]}: {self._first_fault}; fix it there"
                f"{others if len(self._faulty) > 1 else ''}"
            )


def _describe(error: json.JSONDecodeError | RecursionError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"invalid JSON ({error.msg.removesuffix(' at').removesuffix(' starting')})"
    return f"too deeply nested ({error})"


class _Array:
    """A JSON array in a stream; one item and one chunk are held, with the `index` of the next character."""

    def __init__(self, stream: TextIO) -> None:
        self.index = 0
        self._stream, self._text, self._is_last = stream, "", False
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

    def read_items(self, decoder: json.JSONDecoder) -> Iterator[Any]:
        """Yield the items of the array, which must begin at the next character."""
        self.skip_space()
        following = self.skip_space(1)
        while following != "]":
            yield self._parse(decoder)
            following = self.skip_space()
            if following == ",":
                self.skip_space(1)
            elif following != "]":
                raise json.JSONDecodeError("Expecting ',' delimiter", self._text, self.index)
        if self.skip_space(1):
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
                # An item that ends where the text ends may continue in the next chunk, as a number can.
                if end < len(self._text) or self._is_last:
                    self.index = end
                    return item
            self._grow()

    def _grow(self) -> None:
        """Drop the text that was parsed, and read at least as much as is left."""
        self._start = self.locate(self.index)
        rest = self._text[self.index :]
        more = self._stream.read(max(_CHUNK_CHARACTERS, len(rest)))
        self._text, self.index, self._is_last = rest + more, 0, not more
