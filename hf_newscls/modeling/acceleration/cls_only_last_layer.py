"""Run the feed-forward part of the last layer only for the first token, if the head reads no other."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

_PROBE_ROWS, _PROBE_TOKENS = 2, 8


@contextmanager
def cls_only_last_layer(model: PreTrainedModel) -> Iterator[None]:
    """Drop all tokens but the first after the attention of the last layer.

    The head of BERT, its relatives and MPNet reads only the first token. What the last layer computes for the others
    after its attention has no effect on the logits, and its gradient is zero. The model stays as it is if its layers
    have other names, or if its logits on random tokens change. Dropout draws fewer random numbers, so a run differs
    from one without this as it would with another seed.
    """
    modules = _find_modules_after_attention(model)
    if not modules or not _has_same_logits(model, modules):
        yield
        return
    with _cutting(modules):
        yield


@contextmanager
def _cutting(modules: Sequence[nn.Module]) -> Iterator[None]:
    hooks = [module.register_forward_pre_hook(_keep_first_token) for module in modules]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _find_modules_after_attention(model: nn.Module) -> list[nn.Module]:
    """Return the modules of the last layer, of the only encoder in the model, that read what its attention returns.

    In BERT that is `attention.output`, which also reads the layer's input. In MPNet the attention has no such part, and
    `intermediate` and `output` of the layer read its result.
    """
    encoders: list[Any] = [module for name, module in model.named_modules() if name.endswith("encoder.layer")]
    if len(encoders) != 1:
        return []
    last = encoders[0][-1]
    attention = getattr(last, "attention", None)
    found = [getattr(attention, "output", None)]
    if isinstance(getattr(attention, "attn", None), nn.Module):
        found = [getattr(last, "intermediate", None), getattr(last, "output", None)]
    return [module for module in found if isinstance(module, nn.Module)]


def _keep_first_token(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(values[:, :1] for values in inputs)


def _has_same_logits(model: PreTrainedModel, modules: Sequence[nn.Module]) -> bool:
    """Compare the logits of random tokens with and without the other tokens."""
    try:
        embeddings: Any = model.get_input_embeddings()
    except NotImplementedError:  # transformers does not find them in some models
        return False
    vocabulary = embeddings.weight.shape[0]
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(vocabulary, (_PROBE_ROWS, _PROBE_TOKENS), generator=generator).to(model.device)
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            whole = model(input_ids=tokens, attention_mask=torch.ones_like(tokens)).logits
            try:
                with _cutting(modules):
                    cut = model(input_ids=tokens, attention_mask=torch.ones_like(tokens)).logits
            except (IndexError, RuntimeError, TypeError, ValueError):  # a layer or head that needs the other tokens
                return False
    finally:
        model.train(was_training)
    # Logits that do not depend on the text, as of a head of zeros, prove nothing.
    return torch.allclose(whole, cut, rtol=1e-4, atol=1e-5) and not torch.allclose(whole[0], whole[1])
