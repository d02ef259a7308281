"""Open a data file as a stream of bytes, compressed or not; nothing is unpacked to disk."""

import bz2
import gzip
import io
import lzma
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePath
from typing import IO, Any, NamedTuple

import pyarrow as pa

from hf_newscls.errors import DataError, InputError, SourceError, format_examples

COMPRESSED_ENDINGS = (".gz", ".bz2", ".xz", ".zst", ".zip")
"""Endings of the names of compressed files."""

# Real news files shrink to a half or a sixth, with every codec; a file of a single row repeated in gzip, to a 340th.
_MAX_RATIO = 100
# Small files may shrink more: they cannot fill the memory.
_FREE_BYTES = 1 << 26

# By content: files are often named wrongly, which fsspec, going by the name, does not notice.
_OPENERS: tuple[tuple[bytes, Callable[[IO[bytes]], Any]], ...] = (
    (rb"\x1f\x8b", gzip.open),
    (rb"BZh[1-9](1AY&SY|\x17rE8P\x90)", bz2.open),
    (rb"\xfd7zXZ\x00", lzma.open),
    (rb"\x28\xb5\x2f\xfd", lambda raw: pa.CompressedInputStream(raw, "zstd")),
)
# Every Excel file has the first, every OpenDocument file the second.
_OFFICE_PARTS = {"[Content_Types].xml", "META-INF/manifest.xml"}
_BUFFER_BYTES = 1 << 18
_ZIP_SIGNATURE = rb"PK(\x03\x04|\x05\x06)"
# What the openers raise on a file that is cut off or damaged.
_DAMAGE = (EOFError, OSError, NotImplementedError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, pa.ArrowException)


class OpenedData(NamedTuple):
    """An open data file: its unpacked bytes, and its name without the ending of a compression.

    The name of a ZIP archive is that of the file inside.
    """

    stream: IO[bytes]
    name: str
    is_compressed: bool


def check_unpacked_size(path: Path, unpacked: int, *, packed: int, line: int | None = None) -> None:
    """Refuse a file that holds far more than its size: a few kilobytes can unpack to more than the memory.

    Args:
        path: the file, for the message.
        unpacked: number of bytes that were read from it so far.
        packed: size of the file in bytes.
        line: where this is, if it is a text file.

    Raises:
        DataError: it is over 64 MiB, and over 100 times the size of the file.
    """
    if unpacked > max(_FREE_BYTES, _MAX_RATIO * packed):
        where = "" if line is None else f"line {line}: "
        raise DataError(
            f"{path}: {where}{packed:,} bytes unpack to more than {unpacked:,}, over {_MAX_RATIO} times as many; if "
            "you trust the file, unpack it and name the result, or write it again as CSV"
        )


@contextmanager
def open_data(path: Path) -> Iterator[OpenedData]:
    """Open a file; its first bytes say whether it is gzip, bzip2, xz, Zstandard, ZIP or uncompressed.

    A ZIP archive must hold exactly one file, not counting those that macOS adds. Excel and OpenDocument files, which
    are ZIP archives too, are left as they are.

    Raises:
        SourceError: the file cannot be read.
        DataError: it is cut off or damaged, or holds far more than its size (which can show only while it is read); or
            an archive of several files.
    """
    with ExitStack() as stack:
        try:
            raw = stack.enter_context(path.open("rb"))
            signature = raw.read(16)
            raw.seek(0)
        except OSError as error:
            raise SourceError(f"{path}: cannot be read ({error}); check its permissions") from error
        try:
            yield _unpack(path, raw, signature, stack)
        except InputError:
            raise
        except _DAMAGE as error:
            raise DataError(f"{path}: damaged or cut off ({str(error) or repr(error)}); fetch it again") from error


def _unpack(path: Path, raw: IO[bytes], signature: bytes, stack: ExitStack) -> OpenedData:
    if re.match(_ZIP_SIGNATURE, signature):
        archive = stack.enter_context(zipfile.ZipFile(raw))
        if not _OFFICE_PARTS.isdisjoint(archive.namelist()):
            raw.seek(0)
            return OpenedData(raw, path.name, False)
        member = _find_member(path, archive)
        content = _Unpacked(path, raw, stack.enter_context(archive.open(member)))
        return OpenedData(io.BufferedReader(content, _BUFFER_BYTES), PurePath(member.filename).name, True)
    for pattern, unpack in _OPENERS:
        if re.match(pattern, signature):
            name = path.stem if path.suffix.lower() in COMPRESSED_ENDINGS else path.name
            content = _Unpacked(path, raw, stack.enter_context(unpack(raw)))
            return OpenedData(io.BufferedReader(content, _BUFFER_BYTES), name, True)
    return OpenedData(raw, path.name, False)


class _Unpacked(io.RawIOBase):
    """The content of a compressed file, as far as it does not exceed the limit of `check_unpacked_size`."""

    def __init__(self, path: Path, raw: IO[bytes], content: IO[bytes]) -> None:
        self._path, self._packed, self._content = path, os.fstat(raw.fileno()).st_size, content
        self._unpacked, self._line = 0, 1

    def readable(self) -> bool:
        """Return True: the stream can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with the next bytes, and return how many there are; refuse too many."""
        block = self._content.read(len(buffer))
        self._unpacked += len(block)
        self._line += block.count(b"\n")
        check_unpacked_size(self._path, self._unpacked, packed=self._packed, line=self._line)
        buffer[: len(block)] = block
        return len(block)


def _find_member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [
        member
        for member in archive.infolist()
        if not (member.is_dir() or member.filename.startswith("__MACOSX/") or PurePath(member.filename).name[0] == ".")
    ]
    if len(members) != 1:
        names = format_examples(member.filename for member in members) or "none"
        raise DataError(f"{path}: the archive must hold one file (found: {names}); unpack it and name a file")
    if members[0].flag_bits & 1:
        raise DataError(f"{path}: the archive has a password; unpack it and name the file")
    return members[0]
