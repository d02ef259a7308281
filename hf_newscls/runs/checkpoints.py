"""The Trainer's checkpoints on disk: which are complete, which is the last, and where the best one is.

A process can be killed at any moment, so a checkpoint counts only if all its files exist. The Trainer writes
`trainer_state.json` last, and deletes old checkpoints file by file.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hf_newscls.runs.folder import RunFolder
from hf_newscls.storage import write_json

_STATE = "trainer_state.json"
_PARTS = (
    ("model.safetensors", "adapter_model.safetensors", "model.safetensors.index.json"),
    ("optimizer.pt",),
    ("scheduler.pt",),
    ("rng_state*.pth",),
)


def find_last_checkpoint(folder: Path) -> Path | None:
    """Return the complete checkpoint with the most steps, or None."""
    return max(filter(is_complete, _list_checkpoints(folder)), key=_read_step, default=None)


def is_complete(checkpoint: Path) -> bool:
    """Return whether weights, optimizer, schedule, random states and the Trainer's state are all there."""
    if not all(any(any(checkpoint.glob(name)) for name in names) for names in _PARTS):
        return False
    try:
        return bool(read_trainer_state(checkpoint))
    except (OSError, ValueError):
        return False


def remove_partial(folder: Path) -> None:
    """Remove checkpoints that were not completely written or not completely deleted when their process ended."""
    for checkpoint in _list_checkpoints(folder):
        if not is_complete(checkpoint):
            shutil.rmtree(checkpoint, ignore_errors=True)


@contextmanager
def discard_unfinished(run: RunFolder) -> Iterator[None]:
    """Remove incomplete checkpoints after the block, and the run's folder if there is nothing to resume from."""
    try:
        yield
    finally:
        remove_partial(run.checkpoints)
        if not run.training.exists() and find_last_checkpoint(run.checkpoints) is None:
            shutil.rmtree(run.path, ignore_errors=True)
            with suppress(OSError):  # the parent has other folders
                run.path.parent.rmdir()


def read_trainer_state(checkpoint: Path) -> dict[str, Any]:
    """Return the Trainer's state as saved."""
    state: dict[str, Any] = json.loads((checkpoint / _STATE).read_text(encoding="utf-8"))
    return state


def relocate_best(checkpoint: Path) -> None:
    """Correct the path of the best checkpoint in the Trainer's state to the one in the same folder.

    The saved path may be relative to another folder. If it does not exist, the Trainer ends without the best model and
    without an error.
    """
    state = read_trainer_state(checkpoint)
    saved = state.get("best_model_checkpoint")
    if saved is None:
        return
    best = checkpoint.parent / Path(saved).name
    if best.is_dir() and str(best) != saved:
        write_json(checkpoint / _STATE, {**state, "best_model_checkpoint": str(best)})


def _list_checkpoints(folder: Path) -> list[Path]:
    return [path for path in folder.glob("checkpoint-*") if path.name.rpartition("-")[2].isdigit()]


def _read_step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])
