"""What differs from device to device: precision, optimizer, shapes of batches, seeding."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers.utils.import_utils import is_torch_xla_available

from hf_newscls.recipe.model import ModelSection

__all__ = ["Backend", "detect_backend"]


@dataclass(frozen=True)
class Backend:
    """The device training runs on.

    Attributes:
        device: cuda, xla, mps or cpu.
        name: what the device calls itself.
        has_bf16: whether autocast to bfloat16 pays: on a CPU without units for it, it is slower than float32, and a TPU
            multiplies in it anyway.
        has_tf32: whether float32 matrices can be multiplied in TF32.
    """

    device: str
    name: str
    has_bf16: bool
    has_tf32: bool = False

    @property
    def optimizer(self) -> str:
        """Name of the AdamW that suits the device, as `TrainingArguments.optim` takes it."""
        return "adamw_torch_fused" if self.device in {"cuda", "cpu"} else "adamw_torch"

    @property
    def is_static(self) -> bool:
        """Whether every new shape of a batch is compiled, which takes seconds to minutes."""
        return self.device == "xla"

    def choose_lengths(self, section: ModelSection) -> Sequence[int] | None:
        """Return the lengths in tokens that batches are padded to, ascending; None where any length does."""
        if section.pad_to is None and self.is_static:
            return [section.max_length]
        return section.pad_to

    def seed(self, seed: int) -> None:
        """Seed what the Trainer does not: dropout on an XLA device has a generator of its own."""
        if self.is_static:
            from torch_xla.core import xla_model

            xla_model.set_rng_state(seed)


def detect_backend(*, use_cpu: bool = False) -> Backend:
    """Return the device the Trainer will choose on this machine.

    Args:
        use_cpu: stay on the CPU even where there is an accelerator, as `TrainingArguments.use_cpu` says.
    """
    if is_torch_xla_available() and not use_cpu:
        from torch_xla import runtime

        return Backend("xla", f"{runtime.device_type()} through XLA, {runtime.world_size()} cores", has_bf16=False)
    if torch.cuda.is_available() and not use_cpu:
        return Backend(
            "cuda",
            torch.cuda.get_device_name(),
            has_bf16=torch.cuda.is_bf16_supported(False),
            has_tf32=torch.cuda.get_device_capability() >= (8, 0),
        )
    if torch.backends.mps.is_available() and not use_cpu:
        return Backend("mps", "Apple GPU", has_bf16=False)
    capability = torch.backends.cpu.get_cpu_capability()
    return Backend("cpu", f"CPU ({capability}, {torch.get_num_threads()} threads)", has_bf16=_cpu_has_bf16())


def _cpu_has_bf16() -> bool:
    # avx512_bf16 or AMX. A CPU without them emulates bfloat16, four times slower than float32.
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
