"""What differs from device to device: precision and optimizer."""

from dataclasses import dataclass

import torch

__all__ = ["Backend", "detect_backend"]


@dataclass(frozen=True)
class Backend:
    """The device training runs on.

    Attributes:
        device: cuda, mps or cpu.
        name: what the device calls itself.
        has_bf16: whether its arithmetic units multiply bfloat16; where they do not, autocast is slower than float32.
    """

    device: str
    name: str
    has_bf16: bool

    @property
    def optimizer(self) -> str:
        """Name of the AdamW that suits the device, as `TrainingArguments.optim` takes it."""
        return "adamw_torch" if self.device == "mps" else "adamw_torch_fused"


def detect_backend(*, use_cpu: bool = False) -> Backend:
    """Return the device the Trainer will choose on this machine.

    Args:
        use_cpu: stay on the CPU even where there is an accelerator, as `TrainingArguments.use_cpu` says.
    """
    if torch.cuda.is_available() and not use_cpu:
        return Backend("cuda", torch.cuda.get_device_name(), has_bf16=torch.cuda.is_bf16_supported(False))
    if torch.backends.mps.is_available() and not use_cpu:
        return Backend("mps", "Apple GPU", has_bf16=False)
    capability = torch.backends.cpu.get_cpu_capability()
    return Backend("cpu", f"CPU ({capability}, {torch.get_num_threads()} threads)", has_bf16=_cpu_has_bf16())


def _cpu_has_bf16() -> bool:
    # avx512_bf16 or AMX. A CPU without them emulates bfloat16, four times slower than float32.
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
