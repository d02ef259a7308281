"""What makes torch train faster on a CPU and leaves its results alone; found with benchmarks/profile_step.py."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

__all__ = [
    "FLOAT32_ATTENTION",
    "attend_in_float32",
    "clip_while_stepping",
    "draw_dropout_from_bits",
    "is_fused",
    "sparse_word_gradients",
]

FLOAT32_ATTENTION = "sdpa_float32"
"""The attention implementation that a model has within `attend_in_float32`."""


def is_fused(optimizer: Optimizer) -> bool:
    """Tell whether it is one of torch's own that take a step in one kernel, which can scale gradients."""
    # By the groups, for a checkpoint brings its own.
    return type(optimizer) in {torch.optim.Adam, torch.optim.AdamW} and all(
        bool(group["fused"]) for group in optimizer.param_groups
    )


def clip_while_stepping(optimizer: Optimizer, *, max_norm: float) -> Tensor:
    """Let a fused optimizer clip its gradients in the next step, and return their norm before.

    It reads every gradient anyway, and divides by the scale that a gradient scaler would set. To clip them beforehand,
    as `torch.nn.utils.clip_grad_norm_` does, is to read and write all of them once more. Until the step they are
    unclipped; the scale stays, so it has to be set before each step.
    """
    gradients = []
    for parameter in (one for group in optimizer.param_groups for one in group["params"] if one.grad is not None):
        if parameter.grad.is_sparse:
            parameter.grad = parameter.grad.coalesce()
        gradients.append(parameter.grad.values() if parameter.grad.is_sparse else parameter.grad)
    norm = torch.nn.utils.get_total_norm(gradients)
    # As torch clips: by max_norm / (norm + 1e-6), where that is below 1. The kernel reads the scale as float32.
    scale = ((norm.float() + 1e-6) / max_norm).clamp(min=1.0)
    optimizer.grad_scale = scale  # type: ignore[attr-defined]  # as torch.amp.GradScaler sets it
    return norm


@contextmanager
def sparse_word_gradients(model: PreTrainedModel, optimizer: Optimizer) -> Iterator[None]:
    """Let the gradient of the word embeddings hold the rows of a batch's words alone, while the context lasts.

    The other rows, nearly all of a vocabulary, are zeros that each step would write and read again for the norm. The
    optimizer gets a dense gradient as ever, in memory that is kept: only the rows of the last batch are cleared.
    """
    try:
        embeddings = model.get_input_embeddings()
    except NotImplementedError:  # a model that cannot tell them
        embeddings = None
    if type(embeddings) is not nn.Embedding or embeddings.sparse or embeddings.scale_grad_by_freq:
        yield
        return
    hook = optimizer.register_step_pre_hook(_DenseGradient(embeddings.weight).write)
    embeddings.sparse = True
    try:
        yield
    finally:
        embeddings.sparse = False
        hook.remove()


class _DenseGradient:
    """The dense gradient of a (V, H) weight whose own is sparse."""

    def __init__(self, weight: Tensor) -> None:
        self._weight = weight
        self._dense: Tensor | None = None
        self._rows = torch.empty(0, dtype=torch.long)

    def write(self, *_: Any) -> None:
        """Give the weight the dense one; called before an optimizer's step."""
        gradient = self._weight.grad
        if gradient is None or not gradient.is_sparse:
            return
        gradient = gradient.coalesce()
        if self._dense is None:
            self._dense = torch.zeros_like(self._weight)
        self._dense.index_fill_(0, self._rows, 0.0)
        self._rows = gradient.indices()[0]
        self._weight.grad = self._dense.index_copy_(0, self._rows, gradient.values())


@contextmanager
def attend_in_float32(model: PreTrainedModel) -> Iterator[None]:
    """Compute attention, and nothing else, in float32 under bfloat16 autocast, while the context lasts.

    torch's fused attention kernel for CPUs is several times slower in bfloat16 than in float32 on short texts.
    """
    AttentionInterface.register(FLOAT32_ATTENTION, _attend)
    AttentionMaskInterface.register(FLOAT32_ATTENTION, sdpa_mask)
    model.set_attn_implementation(FLOAT32_ATTENTION)
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
    # Compared into numbers: to turn truth values into numbers takes several times as long.
    scales = torch.ge(bits, dropped - 2**15, out=torch.empty_like(values))
    return values * scales.mul_(1 / (1 - module.p))
