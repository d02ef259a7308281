"""Write files whole or not at all, and tell a full disk from other failures."""

import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from safetensors import SafetensorError

from hf_newscls.errors import RunError, StorageError

__all__ = [
    "check_disk_space",
    "check_folder",
    "check_replaceable",
    "replace_file",
    "replace_folder",
    "report_full_disk",
    "write_json",
    "write_text",
]

_BYTES_A_PARAMETER = 4
# A checkpoint holds the weights and the two moments of AdamW. Three can stand at once: the best, the last, and the one
# being written before the last is pruned. The trained model comes on top.
_COPIES = 3 * 3 + 1


def check_folder(folder: Path) -> None:
    """Refuse a folder whose place a file has taken.

    Raises:
        StorageError: where the file is.
    """
    taken = next((path for path in (folder, *folder.parents) if path.exists() and not path.is_dir()), None)
    if taken is not None:
        raise StorageError(f"{folder}: must be a folder or free for one, found the file {str(taken)!r}; name another")


def check_replaceable(folder: Path, *, signs: Sequence[str], content: str) -> None:
    """Refuse a folder that holds anything but what an earlier call wrote.

    Args:
        folder: what would be replaced.
        signs: names of files that every such folder has.
        content: what such a folder holds, for the message, as in "an overview".

    Raises:
        RunError: it holds something else, which would be lost.
        StorageError: a file stands in its place.
    """
    check_folder(folder)
    if folder.exists() and any(folder.iterdir()) and not all((folder / sign).is_file() for sign in signs):
        raise RunError(f"{folder}: must be new, empty or hold {content}, found other files; name another folder")


def check_disk_space(folder: Path, *, parameters: int) -> None:
    """Refuse to start a training whose checkpoints would not fit on the disk.

    Raises:
        StorageError: how much is free, and how much is needed.
    """
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free, needed = shutil.disk_usage(existing).free, parameters * _BYTES_A_PARAMETER * _COPIES
    if free < needed:
        raise StorageError(
            f"{folder}: the disk must have {needed / 1e6:,.1f} MB free for checkpoints, got {free / 1e6:,.1f} MB; "
            "make room, or choose another disk with --runs-dir"
        )


@contextmanager
def report_full_disk(folder: Path) -> Iterator[None]:
    """Turn what libraries raise when the disk is full into a StorageError."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        if not _is_disk_full(error):
            raise
        raise StorageError(f"{folder}: the disk must have room, found it full; make room and start again") from error


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Yield a path to write to; it takes the place of `path` once all went well, and vanishes otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        yield fresh
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


@contextmanager
def replace_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder to fill; it takes the place of `folder` once all went well, and vanishes otherwise."""
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file")
    # Not the process's number: on a disk that containers share, several have the same.
    fresh, old = (folder.with_name(f".{uuid4().hex}-{kind}-{folder.name}") for kind in ("new", "old"))
    fresh.mkdir(parents=True)
    try:
        yield fresh
        if folder.exists():
            folder.replace(old)
        fresh.replace(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with replace_file(path) as fresh:
        fresh.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file, whole or not at all."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _is_disk_full(error: BaseException | None) -> bool:
    # safetensors and torch.save raise errors of their own, with the system's words or none at all.
    if error is None:
        return False
    if getattr(error, "errno", None) in {errno.ENOSPC, errno.EDQUOT} or os.strerror(errno.ENOSPC) in str(error):
        return True
    # torch.save gives the place in its own source, not the reason.
    return "inline_container.cc" in str(error) or _is_disk_full(error.__cause__ or error.__context__)
