"""Attention in float32 in a model that computes in bfloat16."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

_FLOAT32_ATTENTION = "sdpa_float32"


@contextmanager
def attend_in_float32(model: PreTrainedModel) -> Iterator[None]:
    """Compute attention in float32 in a model that computes in bfloat16.

    torch's fused attention kernel for CPUs is several times slower in bfloat16 than in float32 on short texts.
    """
    AttentionInterface.register(_FLOAT32_ATTENTION, _attend)
    AttentionMaskInterface.register(_FLOAT32_ATTENTION, sdpa_mask)
    model.set_attn_implementation(_FLOAT32_ATTENTION)
    try:
        yield
    finally:
        model.set_attn_implementation("sdpa")


def _attend(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, Tensor | None]:
    if attention_mask is not None and attention_mask.dtype != torch.bool:
        attention_mask = attention_mask.float()
    with torch.autocast(query.device.type, enabled=False):
        output, weights = sdpa_attention_forward(
            module, query.float(), key.float(), value.float(), attention_mask, **options
        )
    return output.to(query.dtype), weights
