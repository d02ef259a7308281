"""Open a data file as a stream of bytes, whatever it is compressed with; nothing is unpacked to disk."""

import bz2
import gzip
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO, Any

import pyarrow as pa

from hf_newscls.errors import DataError, InputError, SourceError, format_examples

__all__ = ["COMPRESSED_ENDINGS", "OpenedFile", "open_data"]

COMPRESSED_ENDINGS = (".gz", ".bz2", ".xz", ".zst", ".zip")
"""What the names of compressed files end in."""

_LONGEST_SIGNATURE = 16
_ZIP = re.compile(rb"PK(\x03\x04|\x05\x06)")
# The first bytes of a compressed file, and what reads it.
_FORMATS: tuple[tuple[re.Pattern[bytes], Callable[[IO[bytes]], Any]], ...] = (
    (re.compile(rb"\x1f\x8b"), lambda raw: gzip.GzipFile(fileobj=raw)),
    (re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"), bz2.BZ2File),
    (re.compile(rb"\xfd7zXZ\x00"), lzma.LZMAFile),
    (re.compile(rb"\x28\xb5\x2f\xfd"), lambda raw: pa.CompressedInputStream(raw, "zstd")),
)
# What these raise on a file that is cut off or damaged.
_DAMAGE = (EOFError, OSError, NotImplementedError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, pa.ArrowException)


@dataclass(frozen=True)
class OpenedFile:
    """A data file that is open.

    Attributes:
        stream: its bytes, unpacked.
        name: its name without the ending of a compression; of a ZIP archive, the name of the file in it.
        is_compressed: whether the bytes differ from those on disk.
    """

    stream: IO[bytes]
    name: str
    is_compressed: bool


@contextmanager
def open_data(path: Path) -> Iterator[OpenedFile]:
    """Open a file of gzip, bzip2, xz, Zstandard, ZIP or no compression, told by its first bytes.

    Args:
        path: the file; a ZIP archive must hold one file, what macOS adds not counted.

    Raises:
        SourceError: the file cannot be read.
        DataError: it is cut off or damaged, which may show only while it is read; or an archive of several files.
    """
    with ExitStack() as stack:
        try:
            raw = stack.enter_context(path.open("rb"))
            signature = raw.read(_LONGEST_SIGNATURE)
            raw.seek(0)
        except OSError as error:
            raise SourceError(f"{path}: must be a file that can be read, got {error}; check its permissions") from error
        try:
            yield _unpack(path, raw, signature, stack)
        except InputError:
            raise
        except _DAMAGE as error:
            raise DataError(f"{path}: must be whole, got {str(error) or repr(error)}; fetch it again") from error


def _unpack(path: Path, raw: IO[bytes], signature: bytes, stack: ExitStack) -> OpenedFile:
    if _ZIP.match(signature):
        archive = stack.enter_context(zipfile.ZipFile(raw))
        member = _find_member(path, archive)
        return OpenedFile(stack.enter_context(archive.open(member)), PurePath(member.filename).name, True)
    for pattern, unpack in _FORMATS:
        if pattern.match(signature):
            name = path.stem if path.suffix.lower() in COMPRESSED_ENDINGS else path.name
            return OpenedFile(stack.enter_context(unpack(raw)), name, True)
    return OpenedFile(raw, path.name, False)


def _find_member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [
        member
        for member in archive.infolist()
        if not (member.is_dir() or member.filename.startswith("__MACOSX/") or PurePath(member.filename).name[:1] == ".")
    ]
    if len(members) != 1:
        names = format_examples(member.filename for member in members) or "none"
        raise DataError(f"{path}: an archive must hold one file, found {names}; unpack it and name the file you mean")
    if members[0].flag_bits & 1:
        raise DataError(f"{path}: an archive must be open, found a password on it; unpack it and name the file in it")
    return members[0]
