"""Accuracy of a model that answers only when it is confident (El-Yaniv and Wiener 2010).

Shape letters: N rows, L labels, K points of a curve.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hf_newscls.evaluation.arrays import FloatArray

_POINTS = 50


@dataclass(frozen=True)
class RiskCoverage:
    """Accuracy against coverage, the fraction of rows that are answered, from few rows to all.

    Attributes:
        fractions: shape (K,), coverage; the most confident rows are answered.
        accuracy: shape (K,), on those rows.
        confidence: shape (K,), lowest confidence among them, the threshold that gives this coverage.
    """

    fractions: FloatArray
    accuracy: FloatArray
    confidence: FloatArray

    def find_accuracy(self, fraction: float) -> float:
        """Return the accuracy at the point with the nearest coverage."""
        return float(self.accuracy[np.abs(self.fractions - fraction).argmin()])


def compute_risk_coverage(probabilities: ArrayLike, references: ArrayLike, *, points: int = _POINTS) -> RiskCoverage:
    """Return the curve of a model that answers its most confident rows first, given (N, L) and (N,) arrays.

    It has at most `points` points, fewer if rows have equal confidence, since they are answered together.

    >>> compute_risk_coverage([[0.9, 0.1], [0.6, 0.4]], [0, 1]).accuracy.tolist()
    [1.0, 0.5]
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    confidence, is_right = probabilities.max(axis=1), probabilities.argmax(axis=1) == np.asarray(references)
    order = np.argsort(-confidence, kind="stable")
    confidence, hits = confidence[order], np.cumsum(is_right[order])
    ends = np.linspace(0, len(order), min(points, len(order)) + 1)[1:].round().astype(np.int64)
    # Extend each point to the last row with the same confidence.
    answered = np.unique(np.searchsorted(-confidence, -confidence[ends - 1], side="right"))
    return RiskCoverage(answered / len(order), hits[answered - 1] / answered, confidence[answered - 1])
