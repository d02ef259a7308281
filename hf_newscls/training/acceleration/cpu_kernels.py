"""Faster kernels for training steps on a CPU, each for as long as a context lasts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from transformers import PreTrainedModel, Trainer


def is_fused(optimizer: Optimizer) -> bool:
    """Return whether the optimizer is a fused Adam of torch, which can scale gradients in its step."""
    # Read from the groups, because loading a checkpoint replaces them.
    return (
        type(optimizer) in {torch.optim.Adam, torch.optim.AdamW}
        and getattr(optimizer, "_step_supports_amp_scaling", False)
        and all(group["fused"] for group in optimizer.param_groups)
    )


@contextmanager
def clip_in_step(trainer: Trainer, optimizer: Optimizer) -> Iterator[None]:
    """Let a fused optimizer clip the gradients in its step.

    It reads each gradient anyway, and divides it by `grad_scale`, which `torch.amp.GradScaler` sets in mixed precision.
    To clip beforehand would read and write all gradients once more.
    """
    original: Any = trainer._clip_grad_norm

    def clip(model: nn.Module) -> Tensor:
        """Return the norm of the gradients; they stay unclipped until the step."""
        parameters = [one for group in optimizer.param_groups for one in group["params"] if one.grad is not None]
        if not is_fused(optimizer):  # a checkpoint from another device turned fusing off
            for parameter in parameters:
                parameter.grad = parameter.grad.to_dense()
            clipped: Tensor = original(model)
            return clipped
        for parameter in parameters:
            if parameter.grad.is_sparse:
                parameter.grad = parameter.grad.coalesce()
        norm = torch.nn.utils.get_total_norm(
            [one.grad.values() if one.grad.is_sparse else one.grad for one in parameters]
        )
        # As in torch.nn.utils.clip_grad_norm_: gradients are multiplied by max_norm / (norm + 1e-6) if that is below 1.
        scale = ((norm.float() + 1e-6) / trainer.args.max_grad_norm).clamp(min=1.0)
        optimizer.grad_scale = scale  # type: ignore[attr-defined]
        return norm

    def forget(*_: Any) -> None:
        """Remove the scale after the step, so that it scales no other gradients."""
        vars(optimizer).pop("grad_scale", None)

    trainer.__dict__["_clip_grad_norm"] = clip
    hook = optimizer.register_step_post_hook(forget)
    try:
        yield
    finally:
        hook.remove()
        forget()
        trainer.__dict__.pop("_clip_grad_norm", None)


@contextmanager
def sparse_word_gradients(model: PreTrainedModel, optimizer: Optimizer) -> Iterator[None]:
    """Let the gradient of the word embeddings hold only the rows of the batch's words.

    The other rows, nearly the whole vocabulary, are zeros, which the backward pass would write and the norm would read.
    The optimizer still gets a dense gradient: the same memory in each step, in which only the rows of the last batch
    are set to zero.
    """
    try:
        embeddings = model.get_input_embeddings()
    except NotImplementedError:  # transformers does not find them in some models
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
    """The dense gradient of a weight (V, H) with a sparse one."""

    def __init__(self, weight: Tensor) -> None:
        self._weight = weight
        self._dense: Tensor | None = None
        self._rows = torch.empty(0, dtype=torch.long)

    def write(self, *_: Any) -> None:
        """Replace the sparse gradient before a step of the optimizer."""
        gradient = self._weight.grad
        if gradient is None or not gradient.is_sparse:
            return
        gradient = gradient.coalesce()
        if self._dense is None:
            self._dense = torch.zeros_like(self._weight)
        self._dense.index_fill_(0, self._rows, 0.0)
        self._rows = gradient.indices()[0]
        self._weight.grad = self._dense.index_copy_(0, self._rows, gradient.values())
