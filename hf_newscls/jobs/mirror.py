"""Inside a job: keep a run on the volume, so that it survives the machine.

The volume is a bucket, mounted as a folder. It takes whole files, but no locks, no links, and no renaming in one step.
So the run is trained on the machine's own disk, and its files are copied: those that make something complete come last.
"""

import shutil
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

_NOT_COPIED = {".lock"}
# A checkpoint counts with its state, a training with its record, a run with its card.
_LAST = ("trainer_state.json", "training.json", "README.md")


class Mirror(TrainerCallback):
    """Copies runs from the machine to the volume, after each checkpoint and on request."""

    def __init__(self, runs_dir: Path, volume: Path) -> None:
        self._runs, self._volume = runs_dir, volume

    def restore(self) -> None:
        """Copy what an earlier attempt left on the volume to this machine."""
        if self._volume.is_dir():
            shutil.copytree(self._volume, self._runs, dirs_exist_ok=True, copy_function=shutil.copyfile)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Copy the checkpoint that was written."""
        self.save()

    def save(self) -> None:
        """Copy what is new, then remove what is gone."""
        files = {path.relative_to(self._runs): path for path in self._runs.rglob("*") if _is_kept(path)}
        for name in sorted(files, key=_find_order):
            target = self._volume / name
            # A checkpoint never changes, and is the largest part.
            if "checkpoints" in name.parts and _is_same(files[name], target):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(files[name], target)
        for path in [*self._volume.rglob("*")]:
            if path.is_file() and path.relative_to(self._volume) not in files:
                path.unlink()


def _is_kept(path: Path) -> bool:
    return path.is_file() and path.name not in _NOT_COPIED


def _is_same(source: Path, target: Path) -> bool:
    return target.is_file() and source.stat().st_size == target.stat().st_size


def _find_order(name: Path) -> tuple[int, Path]:
    return (_LAST.index(name.name) + 1 if name.name in _LAST else 0), name
