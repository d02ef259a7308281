"""Classification heads of our own; this file travels with the models that use them.

Shape letters: B batch, H hidden size, L labels.
"""

from torch import Tensor, nn

__all__ = ["TwoLayerHead"]

_WIDTH = 64


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
