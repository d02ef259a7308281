"""Whether a model is as sure as it is right: reliability bins and the expected calibration error.

The confidence of a prediction is the probability of its label. After Guo et al. 2017, arXiv 1706.04599, but with bins
of equal mass (Nguyen and O'Connor 2015, arXiv 1508.05154): bins of equal width leave most of them nearly empty.

Shape letters: N rows, L labels, K bins that hold rows.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Reliability", "assign_bins", "compute_reliability"]

_BINS = 15


@dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy, by bin, the least sure first.

    Attributes:
        rows: shape (K,).
        confidence: shape (K,), mean confidence of the rows.
        accuracy: shape (K,), share of the rows that are right.
    """

    rows: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def error(self) -> float:
        """The expected calibration error: the mean gap between confidence and accuracy over all rows, in [0, 1]."""
        return float(np.abs(self.confidence - self.accuracy) @ self.rows / max(self.rows.sum(), 1))

    def to_dict(self) -> dict[str, Any]:
        """Return the bins as plain values, ready for JSON."""
        return {
            "rows": self.rows.tolist(),
            "confidence": self.confidence.tolist(),
            "accuracy": self.accuracy.tolist(),
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "Reliability":
        """Return the bins that `to_dict` wrote."""
        confidence, accuracy = (np.asarray(content[name], np.float64) for name in ("confidence", "accuracy"))
        return cls(np.asarray(content["rows"], np.int64), confidence, accuracy)


def compute_reliability(probabilities: ArrayLike, references: ArrayLike, *, bins: int = _BINS) -> Reliability:
    """Compare confidence and accuracy in bins of equal mass.

    Args:
        probabilities: (N, L), each row sums to 1.
        references: (N,) label ids.
        bins: their number at most: fewer where rows are fewer, or where many have the very same confidence.

    >>> compute_reliability([[0.9, 0.1], [0.6, 0.4]], [0, 1], bins=2).accuracy.tolist()
    [0.0, 1.0]
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    confidences, is_right = probabilities.max(axis=1), probabilities.argmax(axis=1) == np.asarray(references)
    indices = assign_bins(confidences, bins=bins)
    rows = np.bincount(indices, minlength=bins)
    held = rows > 0
    sums = (np.bincount(indices, weights=values, minlength=bins)[held] for values in (confidences, is_right))
    confidence, accuracy = (values / rows[held] for values in sums)
    return Reliability(rows[held], confidence, accuracy)


def assign_bins(values: NDArray[np.float64], *, bins: int) -> NDArray[np.int64]:
    """Return the bin of each value, bins as equal in size as can be; equal values share one, whatever their order.

    >>> assign_bins(np.array([0.3, 0.1, 0.2, 0.9]), bins=2).tolist()
    [1, 0, 0, 1]
    """
    ranks = np.searchsorted(np.sort(values), values, side="left")
    return (ranks * bins // max(len(values), 1)).astype(np.int64)
