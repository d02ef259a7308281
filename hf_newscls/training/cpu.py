"""What makes torch train faster on a CPU and leaves its results alone; found with benchmarks/profile_step.py."""

import ctypes
import functools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

__all__ = ["attend_in_float32", "clip_while_stepping", "draw_dropout_from_bits", "is_fused", "keep_freed_memory"]

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


def is_fused(optimizer: Optimizer) -> bool:
    """Tell whether it is one of torch's own that take a step in one kernel, which can scale gradients."""
    return type(optimizer) in {torch.optim.Adam, torch.optim.AdamW} and bool(optimizer.defaults["fused"])


def clip_while_stepping(optimizer: Optimizer, *, max_norm: float) -> Tensor:
    """Let a fused optimizer clip its gradients in the next step, and return their norm before.

    It reads every gradient anyway, and divides by the scale that a gradient scaler would set. To clip them beforehand,
    as `torch.nn.utils.clip_grad_norm_` does, is to read and write all of them once more. Until the step they are
    unclipped; the scale stays, so it has to be set before each step.
    """
    parameters = (one for group in optimizer.param_groups for one in group["params"])
    norm = torch.nn.utils.get_total_norm([one.grad for one in parameters if one.grad is not None])
    # As torch clips: by max_norm / (norm + 1e-6), where that is below 1. The kernel reads the scale as float32.
    scale = ((norm.float() + 1e-6) / max_norm).clamp(min=1.0)
    optimizer.grad_scale = scale  # type: ignore[attr-defined]  # as torch.amp.GradScaler sets it
    return norm


@contextmanager
def attend_in_float32(model: PreTrainedModel) -> Iterator[None]:
    """Compute attention, and nothing else, in float32 under bfloat16 autocast, while the context lasts.

    torch's fused attention kernel for CPUs is several times slower in bfloat16 than in float32 on short texts.
    """
    AttentionInterface.register(_NAME, _attend)
    AttentionMaskInterface.register(_NAME, sdpa_mask)
    model.set_attn_implementation(_NAME)
    try:
        yield
    finally:
        model.set_attn_implementation("sdpa")


def _attend(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, Tensor | None]:
    is_mask_added = attention_mask is not None and attention_mask.dtype != torch.bool
    mask = attention_mask.float() if attention_mask is not None and is_mask_added else attention_mask
    with torch.autocast(query.device.type, enabled=False):
        output, weights = sdpa_attention_forward(module, query.float(), key.float(), value.float(), mask, **options)
    return output.to(query.dtype), weights


@contextmanager
def draw_dropout_from_bits(model: nn.Module) -> Iterator[None]:
    """Let dropout decide by 16 random bits for each number, four from one draw, while the context lasts.

    torch's own draws a sample of a distribution for each, one after the other, which takes a fifteenth of a step on
    short texts. The probability is rounded to a multiple of 2**-16. Numbers come from torch's generator, but not those
    that its own dropout would draw.
    """
    modules = [
        module
        for module in model.modules()
        if type(module) is nn.Dropout and not module.inplace and "forward" not in vars(module)
    ]
    for module in modules:
        module.__dict__["forward"] = functools.partial(_drop, module)
    try:
        yield
    finally:
        for module in modules:
            module.__dict__.pop("forward", None)


def _drop(module: nn.Dropout, values: Tensor) -> Tensor:
    dropped = round(module.p * 2**16)
    if not module.training or not 0 < dropped < 2**16:
        return nn.functional.dropout(values, module.p, module.training)
    count = values.numel()
    draws = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(2**63), None)
    bits = draws.view(torch.int16)[:count].view(values.shape)
    is_kept = bits >= dropped - 2**15
    return values * is_kept.to(values.dtype).mul_(1 / (1 - module.p))
