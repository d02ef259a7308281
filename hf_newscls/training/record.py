"""The record of a training."""

import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from hf_newscls import __version__
from hf_newscls.errors import count_noun
from hf_newscls.evaluation.calibration.temperature import TemperatureFit
from hf_newscls.evaluation.metric_names import phrase_metric

_PACKAGES = ("transformers", "datasets", "tokenizers", "accelerate", "evaluate")


SELECTION = "metric_for_best_model"
"""The setting that names the score of the best checkpoint."""


@dataclass(frozen=True)
class JobCost:
    """What a training on rented hardware has cost."""

    flavor: str  # name of the hardware; several if the training went on on another one
    seconds: float  # that are paid for, with the installation
    usd: float


@dataclass(frozen=True)
class TrainingRecord:
    """What happened in a training; saved as `training.json`."""

    # The Trainer's log; each entry has step, epoch, and losses or validation scores.
    log_history: Sequence[Mapping[str, int | float]]
    boundary_step: int  # first step of stage 2; 0 without stage 1
    total_steps: int
    best_step: int | None  # step of the model that was kept; None if it is the last one
    runtime_seconds: float  # seconds of the training with its evaluations, from `resumed_step` on
    train_rows: int
    batch_rows: int  # rows of an optimizer step, over all devices and accumulated batches
    parameters: int  # number of parameters of the model, with an adapter's
    trained_parameters: int  # number of those that were trained in any stage
    device: str
    precision: str  # of matrix products: bfloat16, float16 or float32
    finished: str  # UTC date, ISO 8601
    versions: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)  # values of `TrainingArguments` that affect the result
    encoder_commit: str | None = None  # commit of the encoder on the Hub; None if it came from elsewhere
    encoder_license: str | None = None  # license in the encoder's card; None if it has none
    resumed_step: int = 0  # step that the run was last resumed from; seconds and energy are counted from there
    machine: str | None = None  # processor, cores and memory of the (first) machine
    energy_kwh: float | None = None  # estimated, of the machine, from `resumed_step` on; None without codecarbon
    # Fitted on validation after the training; None if the recipe wants none, or in a run of version 0.2.
    temperature: TemperatureFit | None = None
    job: JobCost | None = None  # of HF Jobs, until the model was evaluated; None if it was trained elsewhere

    @property
    def has_stage_two(self) -> bool:
        """Whether the training reached stage 2."""
        return self.boundary_step < self.total_steps

    @property
    def selection(self) -> str | None:
        """The score that chose the best checkpoint, in words; None if the settings do not name one."""
        metric = self.settings.get(SELECTION)
        return phrase_metric(metric.removeprefix("eval_")) if metric else None  # earlier versions kept the prefix

    @property
    def folded_temperature(self) -> float:
        """What the logits were divided by before the model was saved; 1 if they were not."""
        return self.temperature.temperature if self.temperature and self.temperature.is_folded else 1.0

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "TrainingRecord":
        """Return the record that `to_dict` wrote; other keys are ignored.

        Raises:
            ValueError: a value is missing or has another type.
        """
        return TypeAdapter(cls).validate_python(content)


def describe_machine() -> str:
    """Return processor, cores and memory, as far as the system reports them."""
    cores = os.cpu_count()
    parts = [_name_processor(), count_noun(cores, "core") if cores else ""]
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
    """Return the versions of Python and of the packages that affect the result; that of torch names its build."""
    import torch

    packages = {"torch": str(torch.__version__), **{name: version(name) for name in _PACKAGES}}
    return {"python": platform.python_version(), "hf-newscls": __version__, **packages}
