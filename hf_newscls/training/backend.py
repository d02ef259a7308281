"""What differs between devices: precision, optimizer, padding, seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers.utils.import_utils import is_torch_xla_available

from hf_newscls.errors import count_noun
from hf_newscls.modeling.acceleration.bfloat16 import has_fast_cpu_bf16
from hf_newscls.recipe.model import ModelSection


@dataclass(frozen=True)
class Backend:
    """The device that a training runs on."""

    device: str  # cuda, xla, mps or cpu
    name: str  # a description of the device
    # Whether autocast to bfloat16 is faster than float32. It is slower on a CPU without bfloat16 units, and a TPU
    # multiplies in bfloat16 anyway.
    has_bf16: bool
    has_tf32: bool = False  # whether float32 matrices can be multiplied in TF32

    @property
    def optimizer(self) -> str:
        """The fastest AdamW of the device, as a value of `TrainingArguments.optim`."""
        return "adamw_torch_fused" if self.device in {"cuda", "cpu"} else "adamw_torch"

    @property
    def is_static(self) -> bool:
        """Whether each new batch shape is compiled, which takes seconds to minutes."""
        return self.device == "xla"

    def choose_lengths(self, section: ModelSection) -> Sequence[int] | None:
        """Return the lengths in tokens that batches are padded to, ascending; None: that of the longest row."""
        if section.pad_to is None and self.is_static:
            return [section.max_length]
        return section.pad_to

    def seed(self, seed: int) -> None:
        """Seed dropout on an XLA device, which has a generator that the Trainer does not seed."""
        if self.is_static:
            from torch_xla.core import xla_model

            xla_model.set_rng_state(seed)


def detect_backend(*, use_cpu: bool = False) -> Backend:
    """Return the device that the Trainer will use on this machine; `use_cpu` ignores accelerators."""
    if is_torch_xla_available() and not use_cpu:
        from torch_xla import runtime

        cores = count_noun(runtime.world_size(), "core")
        return Backend("xla", f"{runtime.device_type()} through XLA, {cores}", has_bf16=False)
    if torch.cuda.is_available() and not use_cpu:
        return Backend(
            "cuda",
            torch.cuda.get_device_name(),
            has_bf16=torch.cuda.is_bf16_supported(False),
            has_tf32=torch.cuda.get_device_capability() >= (8, 0),
        )
    if torch.backends.mps.is_available() and not use_cpu:
        return Backend("mps", "Apple GPU", has_bf16=False)
    capability, threads = torch.backends.cpu.get_cpu_capability(), count_noun(torch.get_num_threads(), "thread")
    return Backend("cpu", f"CPU ({capability}, {threads})", has_bf16=has_fast_cpu_bf16())
