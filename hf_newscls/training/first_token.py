"""The last layer of an encoder, run for the first token alone.

A stock head reads a text's first token, or a pooler that does. What the last layer makes of the other tokens, but for
the keys and values that the first one attends to, is read by nobody, and its gradient is zero: leaving it out changes
no logit and no gradient. Of the last layer's twelve parts of arithmetic on short texts that leaves two: a seventh of
six layers is saved, a fourteenth of twelve.

Shape letters: B batch, T tokens, H hidden.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from hf_newscls.training.cpu import FLOAT32_ATTENTION

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
    if len(encoders) != 1:
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
    attend: Any = ALL_ATTENTION_FUNCTIONS[module.config._attn_implementation]
    query, key, value = (
        layer(states).unflatten(-1, (module.num_attention_heads, -1)).transpose(1, 2)
        for layer, states in (
            (module.query, hidden_states[:, :1]),
            (module.key, hidden_states),
            (module.value, hidden_states),
        )
    )
    mask = attention_mask if attention_mask is None else attention_mask[:, :, :1]
    dropout = module.dropout.p if module.training else 0.0
    output, weights = attend(module, query, key, value, mask, dropout=dropout, scaling=module.scaling, **options)
    return output.flatten(2), weights


def _keep_first_token(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(values[:, :1] for values in inputs)
