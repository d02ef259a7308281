"""Text files: their encoding, the position where it breaks, and how to open them."""

import codecs
import io
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Literal, NamedTuple, TextIO

from hf_newscls.data.readers.compression import open_data
from hf_newscls.data.readers.encoding.detection import Reading, is_damaged_utf8, rank_readings, sample_cells
from hf_newscls.errors import DataError, format_examples, shorten_text
from hf_newscls.files import name_paths

EncodingErrors = Literal["strict", "replace"]

MAX_CHARACTERS = 1_000_000
"""Length of the longest value, unless a recipe says otherwise."""

_BLOCK_BYTES, _SAMPLE_BYTES = 1 << 20, 1 << 16
VALUES_PER_ROW = 8
"""Length of the longest row in lengths of the longest value: JSON can write one character as six, and columns that are
not wanted count too."""
# Longest first: the byte order mark of UTF-32 begins with that of UTF-16.
_WIDE_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Control characters except tab, line feed, form feed, carriage return and escape; NUL has its own message.
_BINARY_BYTES = frozenset(range(1, 32)) - {9, 10, 12, 13, 27}
_REPLACED = re.compile("[\ufffd\0]")
# UTF-8 in a file in Latin letters is no accident, as it is in Chinese.
_LEAST_UTF8_IN_LATIN = 0.1

logger = logging.getLogger(__name__)


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


class Fault(NamedTuple):
    """A byte that cannot be decoded, or a NUL character, in a text."""

    position: Position
    byte: int


def find_fault(stream: IO[bytes], encoding: str) -> Fault | None:
    r"""Decode a stream block by block up to the first fault, and return it.

    >>> find_fault(io.BytesIO(b"title\nCaf\xe9\n"), "utf-8")
    Fault(position=Position(line=2, column=4), byte=233)
    """
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(), translate=True)
    position = Position()
    while True:
        block, bad_byte = stream.read(_BLOCK_BYTES), None
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            bad_byte = error.object[error.start]
            # Counted from the end: `error.object` begins with bytes that the decoder kept from the block before.
            text = decoder.decode(block[: error.start - len(error.object)])
            if decoder.getstate()[1] & 1:  # the decoder holds back a carriage return, in case a line feed follows
                text += "\n"
        if "\0" in text:
            text, bad_byte = text[: text.index("\0")], 0
        position = position.after(text)
        if bad_byte is not None:
            return Fault(position, bad_byte)
        if not block:
            return None


def detect_encoding(paths: Sequence[Path], *, encoding: str | None, errors: EncodingErrors = "strict") -> str:
    """Decode text files once from start to end, and return the one encoding to read all of them with.

    Args:
        paths: one file, or all files of a folder.
        encoding: expected encoding; if None, UTF-8 with or without a byte order mark, else the encoding in
            `ALPHABETS` that clearly suits the texts best.
        errors: whether bytes that are not valid are refused, or read as the replacement character, and counted.

    Raises:
        DataError: a file is not in `encoding`, is in UTF-8 but for some bytes, suits several encodings or none,
            holds NUL characters, or is binary (not checked if `encoding` is given).
    """
    codec = "utf-8" if encoding is None else _find_codec(paths[0], encoding)
    for path in paths:
        _refuse_other_kinds(path, codec, is_given=encoding is not None)
    faults = _check_files(paths, codec)
    if faults and encoding is None:
        codec = _choose_encoding(paths, faults)
        faults = faults if codec == "utf-8" else _check_files(paths, codec)
    if faults:
        advice = "fix it there" if encoding is None and codec == "utf-8" else "set `data.encoding` to another"
        _report_damage(faults, codec, errors=errors, advice=advice)
    return "utf-8-sig" if codec == "utf-8" else codec  # keeps a byte order mark out of the first column's name


def _refuse_other_kinds(path: Path, codec: str, *, is_given: bool) -> None:
    with open_data(path) as opened:
        sample = opened.stream.read(_SAMPLE_BYTES)
    if not codec.startswith(("utf-16", "utf-32")):
        _refuse_wide(path, sample)
    if not is_given:
        _refuse_binary(path, sample)


def _choose_encoding(paths: Sequence[Path], faults: Mapping[Path, Fault]) -> str:
    """Return the encoding of files that are not valid in UTF-8; UTF-8 if they are so but for some bytes."""
    cells = sample_cells(_read_blocks(paths))
    readings = [] if is_damaged_utf8(cells) else rank_readings(cells)
    best = readings[0] if readings else None
    if is_damaged_utf8(cells, fraction=_LEAST_UTF8_IN_LATIN if best and best.is_latin else 0.5):
        return "utf-8"
    found = f"{_locate(*next(iter(faults.items())))} is not valid in UTF-8"
    if best is None or not best.fits or len(readings) > 1:
        raise DataError(
            f"{found}, and the text does not decide which encoding it is ({_quote(readings) or 'none fits'}); set "
            "`data.encoding` to the one that reads right, or convert the file to UTF-8"
        )
    logger.info("%s; read as %s", found, best.encoding)
    return best.encoding


def _read_blocks(paths: Sequence[Path]) -> Iterator[bytes]:
    """Yield the bytes of all files; a line ends where a file ends."""
    for path in paths:
        with open_data(path) as opened:
            yield from iter(partial(opened.stream.read, _SAMPLE_BYTES), b"")
        yield b"\n"


def _quote(readings: Sequence[Reading]) -> str:
    """Return each reading of the cell that most encodings read in their own way."""
    columns = [*zip(*(reading.cells for reading in readings), strict=False)]
    cell = max(columns, key=lambda texts: len({*texts}), default=())
    return ", ".join(
        f"{reading.encoding}: {shorten_text(text, limit=60)!r}"
        for reading, text in zip(readings[:5], cell, strict=False)
    )


def _report_damage(faults: Mapping[Path, Fault], encoding: str, *, errors: EncodingErrors, advice: str) -> None:
    """Count what is not valid in an encoding, and raise an error unless it is to be replaced."""
    lines = {path: [position.line for position in _find_replaced(path, encoding)] for path in faults}
    count = f"{sum(map(len, lines.values())):,}"
    if errors == "strict":
        path, fault = next(iter(faults.items()))
        others = f"; more files: {len(faults) - 1:,}" if len(faults) > 1 else ""
        raise DataError(
            f"{_locate(path, fault)} is not valid in {encoding!r} (bad characters: {count}; lines: "
            f"{format_examples(dict.fromkeys(lines[path]))}{others}); {advice}, or set `data.encoding_errors: replace`"
        )
    logger.info("%s: characters not valid in %s, read as U+FFFD: %s", name_paths([*faults]), encoding, count)


def _find_replaced(path: Path, encoding: str) -> Iterator[Position]:
    """Yield the positions of replacement characters, those that the file already holds included."""
    position = Position()
    with TextFile(path, path.name, encoding, errors="replace").open(newline=None) as stream:
        while text := stream.read(_BLOCK_BYTES):
            start = 0
            for match in _REPLACED.finditer(text):
                position, start = position.after(text[start : match.start()]), match.start()
                if match[0] == "\0":
                    raise _build_nul_error(path, position)
                yield position
            position = position.after(text[start:])


def _locate(path: Path, fault: Fault) -> str:
    return f"{path}: line {fault.position.line}, column {fault.position.column}: byte {fault.byte:#04x}"


def _check_files(paths: Sequence[Path], encoding: str) -> dict[Path, Fault]:
    return {path: fault for path in paths if (fault := _check_file(path, encoding))}


def _check_file(path: Path, encoding: str) -> Fault | None:
    """Return the first byte that cannot be decoded, and refuse NUL characters."""
    try:
        with open_data(path) as opened:
            fault = find_fault(opened.stream, encoding)
    except UnicodeError as error:  # rare codecs, which give no position
        raise _build_encoding_error(path, encoding, error) from error
    if fault is not None and fault.byte == 0:
        raise _build_nul_error(path, fault.position)
    return fault


def _build_nul_error(path: Path, position: Position) -> DataError:
    return DataError(f"{path}: line {position.line}, column {position.column}: NUL character; remove it")


def _find_codec(path: Path, encoding: str) -> str:
    try:
        b"a".decode(encoding)  # fails for codecs that are not text encodings, such as base64
    except UnicodeDecodeError:
        pass  # one byte is too short for some
    except (LookupError, ValueError) as error:
        raise _build_encoding_error(path, encoding, error) from error
    return codecs.lookup(encoding).name


def _build_encoding_error(path: Path, encoding: str, error: Exception) -> DataError:
    return DataError(f"{path}: cannot be decoded as `data.encoding` {encoding!r} ({error}); set the file's encoding")


def _refuse_wide(path: Path, sample: bytes) -> None:
    wide = next((name for mark, name in _WIDE_MARKS.items() if sample.startswith(mark)), None)
    # UTF-16 without a byte order mark: in Western text every other byte is NUL, and none between them.
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if not wide and not min(even, odd) and max(even, odd) * 4 >= max(len(sample), 1):
        wide = "utf-16-be" if even else "utf-16-le"
    if wide:
        raise DataError(f"{path}: the text is {wide.upper()}; set `data.encoding: {wide}`, or convert it to UTF-8")


def _refuse_binary(path: Path, sample: bytes) -> None:
    index = next((index for index, byte in enumerate(sample) if byte in _BINARY_BYTES), None)
    if index is not None:
        raise DataError(
            f"{path}: line {sample.count(10, 0, index) + 1}: byte {sample[index]:#04x} of a binary file, not of CSV, "
            "JSON or Parquet; name another file, or set data.encoding if it is text"
        )
