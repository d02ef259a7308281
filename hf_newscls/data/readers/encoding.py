"""Text files: which encoding they are in, where it breaks, and how they are opened."""

import codecs
import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TextIO

from hf_newscls.data.readers.compression import open_data
from hf_newscls.errors import DataError

__all__ = ["TextFile", "TextScan", "detect_encoding", "scan_text"]

_BLOCK_BYTES = 1 << 20
_SHOWN = 5
# Longest first: the mark of UTF-32 begins with that of UTF-16.
_WIDE_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Tab, line feed, form feed and carriage return are text, and so are some stray ones; NUL has a message of its own.
_BINARY_BYTES = frozenset(range(1, 32)) - {9, 10, 12, 13, 27}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TextFile:
    """A text file that may be compressed.

    Attributes:
        path: the file.
        name: its name without the ending of a compression.
        encoding: what it is decoded with.
    """

    path: Path
    name: str
    encoding: str

    @contextmanager
    def open(self) -> Iterator[TextIO]:
        """Open it as text with the line ends it has; `open_data` says which errors that may raise."""
        with (
            open_data(self.path) as opened,
            io.TextIOWrapper(opened.stream, encoding=self.encoding, newline="") as stream,
        ):
            yield stream


@dataclass
class TextScan:
    """What came of decoding a file from its start to its end, or to the first byte that cannot be decoded.

    Attributes:
        line: line reached, from 1.
        column: character in that line that would come next, from 1.
        offset: bytes decoded.
        bad_byte: the byte that cannot be decoded, if there is one.
        is_ascii: whether every character decoded is ASCII.
        nul_count: NUL characters.
        nul_indices: line and column of the first of them.
    """

    line: int = 1
    column: int = 1
    offset: int = 0
    bad_byte: int | None = None
    is_ascii: bool = True
    nul_count: int = 0
    nul_indices: list[tuple[int, int]] = field(default_factory=list)

    def take(self, text: str) -> None:
        """Go on over a piece of text whose line ends are all line feeds."""
        self.is_ascii = self.is_ascii and text.isascii()
        if "\0" in text:
            self._take_nuls(text)
        breaks = text.count("\n")
        self.line += breaks
        self.column = len(text) - text.rfind("\n") if breaks else self.column + len(text)

    def _take_nuls(self, text: str) -> None:
        self.nul_count += text.count("\0")
        index = text.find("\0")
        while index >= 0 and len(self.nul_indices) < _SHOWN:
            breaks = text.count("\n", 0, index)
            column = index - text.rfind("\n", 0, index) if breaks else self.column + index
            self.nul_indices.append((self.line + breaks, column))
            index = text.find("\0", index + 1)


def scan_text(stream: IO[bytes], encoding: str) -> TextScan:
    r"""Decode a stream to its end and say what was found; it is never held as a whole.

    >>> scan = scan_text(io.BytesIO(b"title\nCaf\xe9\n"), "utf-8")
    >>> (scan.bad_byte, scan.offset, scan.line, scan.column)
    (233, 9, 2, 4)
    """
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(), translate=True)
    scan, read = TextScan(), 0
    while True:
        block = stream.read(_BLOCK_BYTES)
        state = decoder.getstate()
        try:
            scan.take(decoder.decode(block, final=not block))
        except UnicodeDecodeError as error:
            # The decoder may have kept the first bytes of a character from the block before.
            kept = len(state[0])
            decoder.setstate(state)
            scan.take(decoder.decode(block[: max(0, error.start - kept)]))
            _, flags = decoder.getstate()
            if flags & 1:  # a carriage return, which waits for its line feed
                scan.take("\n")
            scan.offset = read - kept + error.start
            scan.bad_byte = error.object[error.start]
            return scan
        read += len(block)
        scan.offset = read
        if not block:
            return scan


def detect_encoding(path: Path, sample: bytes, *, encoding: str | None) -> str:
    """Return what a text file is to be decoded with, after it was decoded once from start to end.

    Args:
        path: the file.
        sample: its first bytes.
        encoding: what the recipe says; without it UTF-8 with or without a byte order mark, else cp1252, which is what
            Windows writes in the West, or latin-1 where that has no character for a byte.

    Raises:
        DataError: the file holds NUL characters, changes its encoding or has another than `encoding`; or is binary,
            which is not asked where `encoding` says that it is text.
    """
    codec = "utf-8" if encoding is None else _find_codec(path, encoding)
    if not codec.startswith(("utf-16", "utf-32")):
        _refuse_wide(path, sample)
    if encoding is None:
        _refuse_binary(path, sample)
    scan = _scan_file(path, codec)
    if scan.bad_byte is not None:
        source_name = f"byte {scan.bad_byte:#04x} at offset {scan.offset}, line {scan.line}, column {scan.column}"
        if encoding is not None:
            raise DataError(
                f"{path}: must be readable as `data.encoding`, got {encoding!r}, which ends being valid with "
                f"{source_name}; "
                "set the file's own"
            )
        if not scan.is_ascii:
            raise DataError(
                f"{path}: must be in one encoding, found UTF-8 that ends being valid with {source_name}; mend "
                "that place, "
                "or set `data.encoding` to what most of the file is in, as cp1252"
            )
        codec, scan = "cp1252", _scan_file(path, "cp1252")
        if scan.bad_byte is not None:
            codec, scan = "latin-1", _scan_file(path, "latin-1")
        logger.info("%s: not UTF-8 (%s), read as %s", path, source_name, codec)
    if scan.nul_count:
        indices = ", ".join(f"line {line} column {column}" for line, column in scan.nul_indices)
        total = f", … ({scan.nul_count} in all)" if scan.nul_count > len(scan.nul_indices) else ""
        raise DataError(f"{path}: must hold no NUL characters, found some in {indices}{total}; remove them")
    # A byte order mark is no part of the first column's name.
    return "utf-8-sig" if codec == "utf-8" else codec


def _scan_file(path: Path, encoding: str) -> TextScan:
    try:
        with open_data(path) as opened:
            return scan_text(opened.stream, encoding)
    except UnicodeError as error:  # of the rarer codecs, which give no place
        raise _refuse_encoding(path, encoding, error) from error


def _find_codec(path: Path, encoding: str) -> str:
    try:
        b"a".decode(encoding)  # refuses what is no text encoding, as base64
    except UnicodeDecodeError:
        pass  # a single byte is too short for some
    except (LookupError, ValueError) as error:
        raise _refuse_encoding(path, encoding, error) from error
    return codecs.lookup(encoding).name


def _refuse_encoding(path: Path, encoding: str, error: Exception) -> DataError:
    return DataError(f"{path}: must be readable as `data.encoding`, got {encoding!r} ({error}); set the file's own")


def _refuse_wide(path: Path, sample: bytes) -> None:
    wide = next((name for mark, name in _WIDE_MARKS if sample.startswith(mark)), None) or _guess_wide(sample)
    if wide is not None:
        raise DataError(
            f"{path}: must be UTF-8 or cp1252 text, found {wide.upper()}; set `data.encoding: {wide}`, or convert it "
            "to UTF-8 first"
        )


def _refuse_binary(path: Path, sample: bytes) -> None:
    index = next((index for index, byte in enumerate(sample) if byte in _BINARY_BYTES), None)
    if index is not None:
        line = sample.count(b"\n", 0, index) + 1
        raise DataError(
            f"{path}: must be CSV, JSON or Parquet, found byte {sample[index]:#04x} at offset {index}, line {line}: a "
            "binary file; name another file, or set `data.encoding` if it is text"
        )


def _guess_wide(sample: bytes) -> str | None:
    """Tell UTF-16 without a byte order mark: in Western text every other byte is NUL, and no byte between them."""
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if min(even, odd) or max(even, odd) * 4 < len(sample):
        return None
    return "utf-16-be" if even else "utf-16-le"
