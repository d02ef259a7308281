"""What is kept of a training once it has ended."""

import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hf_newscls import __version__

__all__ = ["TrainingRecord", "describe_machine", "describe_versions"]

_PACKAGES = ("torch", "transformers", "datasets", "tokenizers", "accelerate", "evaluate")


@dataclass(frozen=True)
class TrainingRecord:
    """What happened in a training; saved as `training.json`.

    Attributes:
        log_history: the Trainer's log, one mapping an entry: step, epoch and losses or evaluation metrics.
        boundary_step: the first step of stage 2; 0 where there was no stage 1.
        total_steps: optimizer steps done.
        best_step: step of the checkpoint that was kept, or None where the last one was.
        runtime_seconds: wall-clock time of training with its evaluations, since it was last resumed.
        train_rows: rows of the training set.
        batch_rows: rows behind one optimizer step, over all devices and accumulated batches.
        parameters: of the model, an adapter counted.
        trained_parameters: those of them that learned in one of the stages.
        device: what it ran on.
        precision: bfloat16, float16 or float32, of the matrix products.
        finished: UTC date, ISO 8601.
        versions: of Python and the packages, by name.
        settings: what the Trainer went by that decides a result, defaults included, by its own names.
        encoder_commit: commit of the encoder on the Hub, or None where it came from elsewhere.
        encoder_license: what the encoder's own card says, or None where it says nothing.
        machine: processor, cores and memory of the machine, or of the first of several.
        energy_kwh: estimate of what the machine used meanwhile, or None where nothing was there to measure it.
    """

    log_history: Sequence[Mapping[str, float]]
    boundary_step: int
    total_steps: int
    best_step: int | None
    runtime_seconds: float
    train_rows: int
    batch_rows: int
    parameters: int
    trained_parameters: int
    device: str
    precision: str
    finished: str
    versions: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    encoder_commit: str | None = None
    encoder_license: str | None = None
    machine: str | None = None
    energy_kwh: float | None = None

    @property
    def has_stage_two(self) -> bool:
        """Whether training reached the stage in which all parameters learn."""
        return self.boundary_step < self.total_steps

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain values, ready for JSON."""
        return asdict(self)


def describe_machine() -> str:
    """Return processor, cores and memory in words; what the system does not tell is left out."""
    parts = [_name_processor(), f"{os.cpu_count()} cores" if os.cpu_count() else ""]
    if hasattr(os, "sysconf"):  # Windows has none
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        parts.append(f"{size / 2**30:.0f} GiB of memory")
    return ", ".join(filter(None, parts))


def _name_processor() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        found = re.search(r"^model name\s*:\s*(.+)$", listing.read_text(encoding="utf-8"), flags=re.MULTILINE)
        if found:
            return found[1]
    return platform.processor() or platform.machine()


def describe_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide a result."""
    packages = {name: version(name) for name in _PACKAGES}
    return {"python": platform.python_version(), "hf-newscls": __version__, **packages}
