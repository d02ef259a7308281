"""Reliability bins and the expected calibration error: does confidence match accuracy?

The confidence of a prediction is the probability of its label. As in Guo et al. 2017, arXiv 1706.04599, but with bins
of equal mass (Nguyen and O'Connor 2015, arXiv 1508.05154): most bins of equal width would be nearly empty.

Shape letters: N rows, L labels, K bins that have rows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hf_newscls.evaluation.arrays import FloatArray, IntArray

_BINS = 15


@dataclass(frozen=True)
class Reliability:
    """Confidence and accuracy by bin, the least confident bin first.

    Attributes:
        rows: shape (K,).
        confidence: shape (K,), mean confidence of the rows.
        accuracy: shape (K,), fraction of the rows that are predicted correctly.
    """

    rows: IntArray
    confidence: FloatArray
    accuracy: FloatArray

    @property
    def error(self) -> float:
        """The expected calibration error: the mean gap between confidence and accuracy over all rows, in [0, 1]."""
        return float(np.abs(self.confidence - self.accuracy) @ self.rows / max(self.rows.sum(), 1))


def compute_reliability(probabilities: ArrayLike, references: ArrayLike, *, bins: int = _BINS) -> Reliability:
    """Compare confidence and accuracy in bins of equal mass, given (N, L) and (N,) arrays.

    There are at most `bins` bins, fewer for few rows or many equal confidences.

    >>> compute_reliability([[0.9, 0.1], [0.6, 0.4]], [0, 1], bins=2).accuracy.tolist()
    [0.0, 1.0]
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    confidences, is_right = probabilities.max(axis=1), probabilities.argmax(axis=1) == np.asarray(references)
    _, indices, rows = np.unique(assign_bins(confidences, bins=bins), return_inverse=True, return_counts=True)
    confidence, accuracy = (np.bincount(indices, weights=values) / rows for values in (confidences, is_right))
    return Reliability(rows, confidence, accuracy)


def assign_bins(values: NDArray[np.float64], *, bins: int) -> NDArray[np.int64]:
    """Return the bin of each value; bins are of nearly equal size, and equal values are in the same bin.

    >>> assign_bins(np.array([0.3, 0.1, 0.2, 0.9]), bins=2).tolist()
    [1, 0, 0, 1]
    """
    ranks = np.searchsorted(np.sort(values), values, side="left")
    return (ranks * bins // max(len(values), 1)).astype(np.int64)
