"""Write files completely or not at all, hold locks, and recognize a disk that is full or read-only."""

import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock, Timeout
from safetensors import SafetensorError

from hf_newscls.errors import NewsclsError, RunError, StorageError

_BYTES_PER_PARAMETER = 4
# A checkpoint holds the weights and two moments of AdamW. Up to three exist at once: the best, the last, and the next
# one while it is written. The trained model is one more copy of the weights.
_COPIES = 3 * 3 + 1
_REFUSED = {errno.EROFS, errno.EACCES, errno.EPERM}


def check_folder(folder: Path) -> None:
    """Refuse a folder if it, or one of its parents, is a file, or if nothing can be written there.

    Raises:
        StorageError: names the file, or the folder that is read-only.
    """
    file = next((path for path in (folder, *folder.parents) if path.exists() and not path.is_dir()), None)
    if file is not None:
        raise StorageError(f"{folder}: cannot be a folder, {str(file)!r} is a file; choose another folder")
    existing = _find_existing(folder)
    if not os.access(existing, os.W_OK | os.X_OK):
        raise StorageError(f"{folder}: cannot be written, {str(existing)!r} is read-only; choose another folder")


def check_replaceable(folder: Path, *, markers: Sequence[str], content: str) -> None:
    """Refuse to replace a folder unless it is new, empty or was written by an earlier call.

    Args:
        markers: file names that every folder of this kind has.
        content: what such a folder holds, for the message, as in "an overview".

    Raises:
        RunError: the folder holds other files, which would be lost.
        StorageError: a file has this path, or it is read-only.
    """
    check_folder(folder)
    if folder.exists() and any(folder.iterdir()) and not all((folder / marker).is_file() for marker in markers):
        found = sorted(path.name for path in folder.iterdir())[0]
        raise RunError(f"{folder}: holds other files than {content}, such as {found!r}; choose a new or empty folder")


def check_disk_space(folder: Path, *, parameters: int) -> None:
    """Refuse to start a training if its checkpoints do not fit on the disk.

    Raises:
        StorageError: says how much is free and how much is needed.
    """
    free, needed = shutil.disk_usage(_find_existing(folder)).free, parameters * _BYTES_PER_PARAMETER * _COPIES
    if free < needed:
        raise StorageError(
            f"{folder}: {free / 1e6:,.1f} MB free, but checkpoints need {needed / 1e6:,.1f} MB; free some space, or "
            "choose another disk with --runs-dir"
        )


def _find_existing(folder: Path) -> Path:
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())


@contextmanager
def report_disk_errors(folder: Path) -> Iterator[None]:
    """Turn the errors that libraries raise on a disk that is full or read-only into a StorageError."""
    try:
        yield
    except NewsclsError:  # an inner block has named a nearer folder
        raise
    except (OSError, RuntimeError, SafetensorError) as error:
        if _is_disk_full(error):
            raise StorageError(f"{folder}: the disk is full; free some space and start again") from error
        if not isinstance(error, OSError) or error.errno not in _REFUSED:
            raise
        name, reason = error.filename or folder, os.strerror(error.errno)
        raise StorageError(f"{name}: {reason.lower()}; change its permissions, or choose another folder") from error


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Yield a path to write to. It replaces `path` when the block succeeds and is removed when it fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A process id is not unique on a disk that containers use together.
    new = path.with_name(f".{uuid4().hex}-{path.name}")
    try:
        yield new
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


@contextmanager
def replace_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder to fill. It replaces `folder` when the block succeeds and is removed when it fails.

    Raises:
        StorageError: the folder, or one of its parents, is a file.
    """
    check_folder(folder)
    new, old = (folder.with_name(f".{uuid4().hex}-{kind}-{folder.name}") for kind in ("new", "old"))
    new.mkdir(parents=True)
    try:
        yield new
        if folder.exists():
            folder.replace(old)
        new.replace(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file completely or not at all."""
    with replace_file(path) as new:
        new.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file completely or not at all."""
    write_text(path, format_json(content))


def format_json(content: Mapping[str, Any]) -> str:
    """Return the text of a JSON file; infinite numbers and not-a-number are a `ValueError`."""
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _is_disk_full(error: BaseException | None) -> bool:
    if error is None:
        return False
    # safetensors has no errno, only the system's message.
    if getattr(error, "errno", None) in {errno.ENOSPC, errno.EDQUOT} or os.strerror(errno.ENOSPC) in str(error):
        return True
    # torch.save names only a line of its own source.
    return "inline_container.cc" in str(error) or _is_disk_full(error.__cause__ or error.__context__)


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Hold a lock unless a living process has it; the system releases the lock of a killed process."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        path.unlink(missing_ok=True)
        lock.release()
