"""What makes torch train faster on a CPU and leaves its results alone; found with benchmarks/profile_step.py."""

import ctypes
import sys
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

__all__ = ["attend_in_float32", "keep_freed_memory"]

_NAME = "sdpa_float32"
# Parameters of glibc's mallopt(3), from malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_NEVER = 2**31 - 1


def keep_freed_memory() -> None:
    """Let the process keep the memory of freed tensors for the next ones.

    By default glibc gives a block over 32 MB back to the system at once, and the gradient of a word embedding is that
    large: every step then waits for the system to hand out and clear the same pages anew. Does nothing elsewhere.
    """
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        mallopt(_M_MMAP_THRESHOLD, 2**30)
        mallopt(_M_TRIM_THRESHOLD, _NEVER)


def attend_in_float32(model: PreTrainedModel) -> None:
    """Compute attention, and nothing else, in float32 under bfloat16 autocast.

    torch's fused attention kernel for CPUs is several times slower in bfloat16 than in float32 on short texts. The
    model goes back to its own attention with `model.set_attn_implementation("sdpa")`.
    """
    AttentionInterface.register(_NAME, _attend)
    AttentionMaskInterface.register(_NAME, sdpa_mask)
    model.set_attn_implementation(_NAME)


def _attend(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, Tensor | None]:
    is_mask_added = attention_mask is not None and attention_mask.dtype != torch.bool
    mask = attention_mask.float() if attention_mask is not None and is_mask_added else attention_mask
    with torch.autocast(query.device.type, enabled=False):
        output, weights = sdpa_attention_forward(module, query.float(), key.float(), value.float(), mask, **options)
    return output.to(query.dtype), weights
