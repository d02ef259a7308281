"""Whether a device is faster in bfloat16."""

import torch


def has_fast_bf16(device: torch.device) -> bool:
    """Return whether this device multiplies matrices faster in bfloat16 than in float32."""
    if device.type == "cpu":
        return has_fast_cpu_bf16()
    return device.type == "cuda" and torch.cuda.is_bf16_supported(False)


def has_fast_cpu_bf16() -> bool:
    """Return whether this CPU multiplies matrices faster in bfloat16 than in float32.

    An Intel CPU needs AMX for it: with AVX-512 only, products in bfloat16 take 1.7 times as long as in float32. A CPU
    without bfloat16 units emulates it, which takes four times as long.
    """
    # Older releases of torch have no such function; float32 is always right.
    found = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    is_intel = str(found.get("cpu_name", "Intel")).startswith("Intel")
    return bool(found.get("amx_tile") or (found.get("avx512_bf16") and not is_intel))
