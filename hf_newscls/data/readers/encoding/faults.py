"""What is wrong in a text file: bytes that an encoding cannot decode, and NUL characters."""

import codecs
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from hf_newscls.data.readers.compression import open_data
from hf_newscls.data.readers.encoding.text_file import Position, TextFile
from hf_newscls.errors import DataError

_BLOCK_BYTES = 1 << 20
_REPLACED = re.compile("[\ufffd\0]")


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


def find_faults(paths: Sequence[Path], encoding: str) -> dict[Path, Fault]:
    """Return the first byte of each file that cannot be decoded, without the files that are valid.

    Raises:
        DataError: a file has a NUL character first, or Python cannot decode it at all.
    """
    return {path: fault for path in paths if (fault := _check_file(path, encoding))}


def _check_file(path: Path, encoding: str) -> Fault | None:
    try:
        with open_data(path) as opened:
            fault = find_fault(opened.stream, encoding)
    except UnicodeError as error:  # rare codecs, which give no position
        raise build_encoding_error(path, encoding, error) from error
    if fault is not None and fault.byte == 0:
        raise _build_nul_error(path, fault.position)
    return fault


def find_replaced(path: Path, encoding: str) -> Iterator[Position]:
    """Yield the positions of replacement characters, those that the file already holds included.

    Raises:
        DataError: a NUL character follows.
    """
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


def locate_fault(path: Path, fault: Fault) -> str:
    """Return where a fault is, and its byte, for an error."""
    return f"{path}: line {fault.position.line}, column {fault.position.column}: byte {fault.byte:#04x}"


def build_encoding_error(path: Path, encoding: str, error: Exception) -> DataError:
    """Return the error for an encoding that Python does not know or cannot use."""
    return DataError(f"{path}: cannot be decoded as `data.encoding` {encoding!r} ({error}); set the file's encoding")


def _build_nul_error(path: Path, position: Position) -> DataError:
    return DataError(f"{path}: line {position.line}, column {position.column}: NUL character; remove it")
