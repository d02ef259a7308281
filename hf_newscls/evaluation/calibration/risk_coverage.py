"""How accurate a model is where it answers only what it is sure of (El-Yaniv and Wiener 2010).

Shape letters: N rows, L labels, K points of a curve.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["AbstentionCurve", "compute_abstention"]

_POINTS = 50


@dataclass(frozen=True)
class AbstentionCurve:
    """Accuracy against the share of rows that are answered, from few to all.

    Attributes:
        fractions: shape (K,), fractions of the rows, the surest ones.
        accuracy: shape (K,), of those rows.
        confidence: shape (K,), of the least sure of them: the threshold that answers just so many.
    """

    fractions: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    confidence: NDArray[np.float64]

    def find_accuracy(self, fraction: float) -> float:
        """Return the accuracy at the point nearest to a share."""
        return float(self.accuracy[np.abs(self.fractions - fraction).argmin()])

    def to_dict(self) -> dict[str, Any]:
        """Return the curve as plain values, ready for JSON."""
        return {name: getattr(self, name).tolist() for name in ("fractions", "accuracy", "confidence")}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "AbstentionCurve":
        """Return the curve that `to_dict` wrote."""
        return cls(*(np.asarray(content[name], np.float64) for name in ("fractions", "accuracy", "confidence")))


def compute_abstention(probabilities: ArrayLike, references: ArrayLike, *, points: int = _POINTS) -> AbstentionCurve:
    """Return the curve of a model that answers its surest rows first.

    Args:
        probabilities: (N, L).
        references: (N,) label ids.
        points: K at most; rows of the very same confidence are answered together.

    >>> compute_abstention([[0.9, 0.1], [0.6, 0.4]], [0, 1]).accuracy.tolist()
    [1.0, 0.5]
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    confidence, is_right = probabilities.max(axis=1), probabilities.argmax(axis=1) == np.asarray(references)
    order = np.argsort(-confidence, kind="stable")
    confidence, hits = confidence[order], np.cumsum(is_right[order])
    ends = np.linspace(0, len(order), min(points, len(order)) + 1)[1:].round().astype(np.int64)
    # Up to the last row that is as sure as the one a point would end at.
    answered = np.unique(np.searchsorted(-confidence, -confidence[ends - 1], side="right"))
    return AbstentionCurve(answered / len(order), hits[answered - 1] / answered, confidence[answered - 1])
