"""The Trainer's checkpoints on the disk: which are whole, which is the last, and where the best one is.

A process can be killed at any moment, so a checkpoint counts only once everything in it is there. The Trainer writes
`trainer_state.json` last, and removes checkpoints that it has no use for any more file by file.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hf_newscls.storage import write_json

__all__ = [
    "discard_unfinished",
    "find_last_checkpoint",
    "is_whole",
    "read_trainer_state",
    "relocate_best",
    "remove_partial",
]

_STATE = "trainer_state.json"
_PARTS = (
    ("model.safetensors", "adapter_model.safetensors", "model.safetensors.index.json"),
    ("optimizer.pt",),
    ("scheduler.pt",),
    ("rng_state*.pth",),
)


def find_last_checkpoint(folder: Path) -> Path | None:
    """Return the whole checkpoint with the most steps, or None."""
    return max(filter(is_whole, _list_checkpoints(folder)), key=_read_step, default=None)


def is_whole(checkpoint: Path) -> bool:
    """Tell whether weights, optimizer, schedule, random states and the Trainer's state are all there."""
    if not all(any(any(checkpoint.glob(name)) for name in names) for names in _PARTS):
        return False
    try:
        return bool(read_trainer_state(checkpoint))
    except (OSError, ValueError):
        return False


def remove_partial(folder: Path) -> None:
    """Remove checkpoints that were being written or removed when their process ended."""
    for checkpoint in _list_checkpoints(folder):
        if not is_whole(checkpoint):
            shutil.rmtree(checkpoint, ignore_errors=True)


@contextmanager
def discard_unfinished(run: Path, *, checkpoints: Path, sign: Path) -> Iterator[None]:
    """Remove a run's folder when the work in it fails before the file `sign` is there, or a whole checkpoint.

    Of checkpoints that were being written only the trace is removed.
    """
    try:
        yield
    finally:
        remove_partial(checkpoints)
        if not sign.exists() and find_last_checkpoint(checkpoints) is None:
            shutil.rmtree(run, ignore_errors=True)
            with suppress(OSError):  # its parent holds other folders
                run.parent.rmdir()


def read_trainer_state(checkpoint: Path) -> dict[str, Any]:
    """Return the Trainer's state as it was saved."""
    state: dict[str, Any] = json.loads((checkpoint / _STATE).read_text(encoding="utf-8"))
    return state


def relocate_best(checkpoint: Path) -> None:
    """Make the checkpoint name the best one beside it.

    The Trainer saves the path as it was then, perhaps relative to another folder, and where there is nothing any more
    it goes on without the best model, silently.
    """
    state = read_trainer_state(checkpoint)
    saved = state.get("best_model_checkpoint")
    if saved is None:
        return
    beside = checkpoint.parent / Path(saved).name
    if beside.is_dir() and str(beside) != saved:
        write_json(checkpoint / _STATE, {**state, "best_model_checkpoint": str(beside)})


def _list_checkpoints(folder: Path) -> list[Path]:
    return [path for path in folder.glob("checkpoint-*") if path.name.rpartition("-")[2].isdigit()]


def _read_step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])
