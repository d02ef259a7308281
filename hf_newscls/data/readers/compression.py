"""Open a data file as a stream of bytes, compressed or not; nothing is unpacked to disk."""

import bz2
import gzip
import lzma
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

# By content: files are often named wrongly, which fsspec, going by the name, does not notice.
_OPENERS: tuple[tuple[bytes, Callable[[IO[bytes]], Any]], ...] = (
    (rb"\x1f\x8b", gzip.open),
    (rb"BZh[1-9](1AY&SY|\x17rE8P\x90)", bz2.open),
    (rb"\xfd7zXZ\x00", lzma.open),
    (rb"\x28\xb5\x2f\xfd", lambda raw: pa.CompressedInputStream(raw, "zstd")),
)
# Every Excel file has the first, every OpenDocument file the second.
_OFFICE_PARTS = {"[Content_Types].xml", "META-INF/manifest.xml"}
_ZIP_SIGNATURE = rb"PK(\x03\x04|\x05\x06)"
# What the openers raise on a file that is cut off or damaged.
_DAMAGE = (EOFError, OSError, NotImplementedError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, pa.ArrowException)


class OpenedFile(NamedTuple):
    """An open data file: its unpacked bytes, and its name without the ending of a compression.

    The name of a ZIP archive is that of the file inside.
    """

    stream: IO[bytes]
    name: str
    is_compressed: bool


@contextmanager
def open_data(path: Path) -> Iterator[OpenedFile]:
    """Open a file; its first bytes say whether it is gzip, bzip2, xz, Zstandard, ZIP or uncompressed.

    A ZIP archive must hold exactly one file, not counting those that macOS adds. Excel and OpenDocument files, which
    are ZIP archives too, are left as they are.

    Raises:
        SourceError: the file cannot be read.
        DataError: it is cut off or damaged (which can show only while it is read), or an archive of several files.
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


def _unpack(path: Path, raw: IO[bytes], signature: bytes, stack: ExitStack) -> OpenedFile:
    if re.match(_ZIP_SIGNATURE, signature):
        archive = stack.enter_context(zipfile.ZipFile(raw))
        if not _OFFICE_PARTS.isdisjoint(archive.namelist()):
            raw.seek(0)
            return OpenedFile(raw, path.name, False)
        member = _find_member(path, archive)
        return OpenedFile(stack.enter_context(archive.open(member)), PurePath(member.filename).name, True)
    for pattern, unpack in _OPENERS:
        if re.match(pattern, signature):
            name = path.stem if path.suffix.lower() in COMPRESSED_ENDINGS else path.name
            return OpenedFile(stack.enter_context(unpack(raw)), name, True)
    return OpenedFile(raw, path.name, False)


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
