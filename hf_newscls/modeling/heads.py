"""Our own classification head, and which vector of an encoder a head reads; this file travels with our models.

Shape letters: B batch, T tokens, H hidden size, L labels.
"""

from typing import Any, Literal

from torch import Tensor, nn

_WIDTH = 64
TokenPooling = Literal["pooler", "mean", "first"]


class TwoLayerHead(nn.Module):
    """Dropout, Linear(H, 64), LayerNorm, Tanh, Dropout, Linear(64, L)."""

    def __init__(self, *, hidden_size: int, num_labels: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(hidden_size, _WIDTH),
            nn.LayerNorm(_WIDTH),
            nn.Tanh(),
            nn.Dropout(dropout),
            nn.Linear(_WIDTH, num_labels),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (B, L) of features (B, H)."""
        logits: Tensor = self.layers(features)
        return logits


def find_token_pooling(classifier: nn.Module) -> TokenPooling:
    """Return which vector of the encoder's output the head of a classifier, stock or ours, reads.

    It is the pooler's output if the encoder has a pooler, the mean of all tokens if the configuration of a stock model
    says so (ModernBERT), else the first token.
    """
    encoder: Any = classifier.base_model
    if getattr(encoder, "pooler", None) is not None:
        return "pooler"
    has_own_head = any(isinstance(module, TwoLayerHead) for module in classifier.children())
    is_mean = getattr(encoder.config, "classifier_pooling", "cls") == "mean"
    return "mean" if is_mean and not has_own_head else "first"


def pool_tokens(output: Any, attention_mask: Tensor | None, pooling: TokenPooling) -> Tensor:
    """Return one vector (B, H) for each text of an encoder's output.

    Args:
        output: with `last_hidden_state` (B, T, H) and, for "pooler", `pooler_output` (B, H).
        attention_mask: (B, T), 1 for each token; None if nothing is padded.
    """
    if pooling == "pooler":
        vectors: Tensor = output.pooler_output
        return vectors
    hidden: Tensor = output.last_hidden_state
    if pooling == "first":
        return hidden[:, 0]
    if attention_mask is None:
        return hidden.mean(dim=1)
    return (hidden * attention_mask.unsqueeze(-1)).sum(dim=1) / attention_mask.sum(dim=1, keepdim=True)
