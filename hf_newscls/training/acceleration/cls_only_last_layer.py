"""The last layer of an encoder, run for the first token alone.

A stock head reads a text's first token, or a pooler that does. What the last layer makes of the other tokens, but for
the keys and values that the first one attends to, is read by nobody, and its gradient is zero: leaving it out changes
no logit and no gradient. On a CPU their keys and values are not computed either, where both are plain linear layers: a
single query can be projected in their place, and next to nothing is left of the last layer.

Shape letters: A attention heads, B batch, D hidden of one head, H hidden, T tokens.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from hf_newscls.training.acceleration.cpu_kernels import FLOAT32_ATTENTION

__all__ = ["find_last_attention", "first_token_alone"]

# By name, for importing them all would load every architecture. Their heads read the first token alone.
_HEADS = frozenset(
    {
        "BertForSequenceClassification",
        "CamembertForSequenceClassification",
        "DebertaForSequenceClassification",
        "DebertaV2ForSequenceClassification",
        "ElectraForSequenceClassification",
        "RobertaForSequenceClassification",
        "XLMRobertaForSequenceClassification",
        "NewsClassifier",
        "WindowedClassifier",
    }
)
# In their layers all that comes after `attention.self` works on each token by itself.
_ENCODERS = frozenset(
    {"BertModel", "CamembertModel", "DebertaModel", "DebertaV2Model", "ElectraModel", "RobertaModel", "XLMRobertaModel"}
)


# Of these the attention itself can start from one token; DeBERTa's compares the places of all pairs of tokens.
_SELF_ATTENTIONS = frozenset(
    {
        "BertSelfAttention",
        "CamembertSelfAttention",
        "ElectraSelfAttention",
        "RobertaSelfAttention",
        "XLMRobertaSelfAttention",
    }
)

# They take a mask of (B, 1, T, T), or none.
_IMPLEMENTATIONS = frozenset({"sdpa", FLOAT32_ATTENTION})


@contextmanager
def first_token_alone(model: nn.Module) -> Iterator[None]:
    """Leave the other tokens out of the last layer while the context lasts, where the head reads none of them.

    A model whose head or encoder is not known to allow it runs whole. Dropout draws fewer numbers than in a run
    without, so that the two differ as two seeds do.
    """
    attention = find_last_attention(model)
    if attention is None:
        yield
        return
    within, output = attention.get_submodule("self"), attention.get_submodule("output")
    own_class = type(within)
    if own_class.__name__ in _SELF_ATTENTIONS:
        # A class, for DataParallel makes its replicas of that: a forward of the module's own would be bound to it.
        within.__class__ = type(own_class.__name__, (own_class,), {"forward": _attend_from_first_token})
    hook = output.register_forward_pre_hook(_keep_first_token)
    try:
        yield
    finally:
        hook.remove()
        within.__class__ = own_class


def find_last_attention(model: nn.Module) -> nn.Module | None:
    """Return the attention of the last layer, None where the other tokens must go on from there."""
    modules = [*model.modules()]  # the model may stand inside of an adapter's
    if not any(type(module).__name__ in _HEADS for module in modules):
        return None
    encoders = [module for module in modules if type(module).__name__ in _ENCODERS]
    # A decoder's first token would see itself alone.
    if len(encoders) != 1 or getattr(encoders[0].config, "is_decoder", False):
        return None
    attention: nn.Module = encoders[0].get_submodule("encoder.layer")[-1].attention  # type: ignore[index]
    return attention


def _attend_from_first_token(
    module: Any, hidden_states: Tensor, *, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, Tensor | None]:
    """Attend from the first token to all (B, T, H); return (B, 1, H), and the weights where there are any."""
    if module.config._attn_implementation not in _IMPLEMENTATIONS:
        whole: tuple[Tensor, Tensor | None] = super(type(module), module).forward(
            hidden_states, attention_mask=attention_mask, **options
        )
        return whole
    mask = attention_mask if attention_mask is None else attention_mask[:, :, :1]
    # On other devices a fused kernel may be faster, which nobody has measured.
    can_project = hidden_states.device.type == "cpu" and (mask is None or mask.dtype == torch.bool)
    if can_project and _is_plain(module.key) and _is_plain(module.value):
        return _attend_by_projected_query(module, hidden_states, mask), None
    attend: Any = ALL_ATTENTION_FUNCTIONS[module.config._attn_implementation]
    query, key, value = (
        layer(states).unflatten(-1, (module.num_attention_heads, -1)).transpose(1, 2)
        for layer, states in (
            (module.query, hidden_states[:, :1]),
            (module.key, hidden_states),
            (module.value, hidden_states),
        )
    )
    dropout = module.dropout.p if module.training else 0.0
    output, weights = attend(module, query, key, value, mask, dropout=dropout, scaling=module.scaling, **options)
    return output.flatten(2), weights


def _is_plain(layer: nn.Module) -> bool:
    """Tell whether its weight and bias are all that there is to it: no adapter, no hook, no forward of its own."""
    hooks = (layer._forward_hooks, layer._forward_pre_hooks, layer._backward_hooks, layer._backward_pre_hooks)
    is_watched = any(hooks) or "forward" in vars(layer)
    return type(layer) is nn.Linear and layer.weight.dtype == torch.float32 and not is_watched


def _attend_by_projected_query(module: Any, hidden_states: Tensor, mask: Tensor | None) -> Tensor:
    """Attend from the first token to (B, T, H) under a mask (B, 1, 1, T), by no key and no value; return (B, 1, H).

    A head scores a token x by q·(Kx + b) = (Kᵀq)·x + q·b, and sums values up to Σ w(Vx + b) = V(Σ wx) + b Σ w: the
    right sides take 2·A·H products a token, keys and values 2·H·H. All in float32, for autocast would round the scores.
    """
    heads, size = module.num_attention_heads, module.attention_head_size
    key, value = (one.weight.view(heads, size, -1) for one in (module.key, module.value))  # (A, D, H)
    key_bias, value_bias = (one.bias.view(heads, size) for one in (module.key, module.value))  # (A, D)
    query = module.query(hidden_states[:, :1]).view(-1, heads, size)  # (B, A, D)
    with torch.autocast(hidden_states.device.type, enabled=False):
        states, query = hidden_states.float(), query.float()
        # The bias adds the same to all scores of a head, which changes no weight, but it has to have a gradient: zero.
        constant = (query * key_bias).sum(-1, keepdim=True)
        scores = torch.einsum("bah,bth->bat", torch.einsum("bad,adh->bah", query, key), states) + constant
        scores = scores * module.scaling
        if mask is not None:
            # Not -inf, by which a text without a token would become NaN.
            scores = scores.masked_fill(~mask.squeeze(1), torch.finfo(scores.dtype).min)
        weights = module.dropout(scores.softmax(-1))
        summed = torch.einsum("bat,bth->bah", weights, states)
        output: Tensor = torch.einsum("bah,adh->bad", summed, value) + weights.sum(-1, keepdim=True) * value_bias
    return output.flatten(1).unsqueeze(1).to(hidden_states.dtype)


def _keep_first_token(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(values[:, :1] for values in inputs)
