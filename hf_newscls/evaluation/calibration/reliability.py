"""Does confidence match accuracy? Reliability bins, and the accuracy of the most confident rows.

The confidence of a prediction is the probability of its label. As in Guo et al. 2017, arXiv 1706.04599, but with bins
of equal mass (Nguyen and O'Connor 2015, arXiv 1508.05154): most bins of equal width would be nearly empty. The curve of
accuracy against coverage is that of El-Yaniv and Wiener 2010.

Shape letters: N rows, L labels, K bins that have rows, or points of a curve.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import PlainSerializer, PlainValidator

_BINS = 15
_POINTS = 50
_TO_LIST = PlainSerializer(np.ndarray.tolist)

FloatArray = Annotated[NDArray[np.float64], PlainValidator(lambda values: np.asarray(values, np.float64)), _TO_LIST]
IntArray = Annotated[NDArray[np.int64], PlainValidator(lambda values: np.asarray(values, np.int64)), _TO_LIST]
"""Arrays as fields of dataclasses that pydantic reads from JSON and writes to JSON."""


@dataclass(frozen=True)
class Reliability:
    """Confidence and accuracy by bin, the least confident bin first."""

    rows: IntArray  # (K,)
    confidence: FloatArray  # (K,), mean of the bin's rows
    accuracy: FloatArray  # (K,)

    @property
    def error(self) -> float:
        """The expected calibration error: the mean gap between confidence and accuracy over all rows, in [0, 1]."""
        return float(np.abs(self.confidence - self.accuracy) @ self.rows / max(self.rows.sum(), 1))

    @property
    def mean_confidence(self) -> float:
        """The mean confidence of all rows."""
        return float(self.confidence @ self.rows / max(self.rows.sum(), 1))

    @property
    def mean_accuracy(self) -> float:
        """The accuracy on all rows."""
        return float(self.accuracy @ self.rows / max(self.rows.sum(), 1))

    @property
    def verdict(self) -> str:
        """Whether mean confidence and accuracy differ by more than the sampling error of a calibrated model.

        If each prediction is right with the probability of its confidence, the hits are a sum of Bernoulli variables.
        The margin is 1.96 standard errors of their mean.
        """
        variance = self.confidence * (1 - self.confidence) @ self.rows
        margin = 1.96 * float(np.sqrt(variance)) / max(self.rows.sum(), 1)
        gap = self.mean_confidence - self.mean_accuracy
        if abs(gap) <= margin:
            return "neither overconfident nor underconfident on average"
        return "overconfident" if gap > 0 else "underconfident"


@dataclass(frozen=True)
class RiskCoverage:
    """Accuracy of a model that answers only its most confident rows, from few rows to all."""

    fractions: FloatArray  # (K,), coverage: the rows that are answered, of all rows
    accuracy: FloatArray  # (K,), on the rows that are answered
    confidence: FloatArray  # (K,), the lowest among them: the threshold that gives this coverage

    def find_point(self, fraction: float) -> tuple[float, float]:
        """Return the nearest coverage, which equal confidences can move far away, and the accuracy there."""
        nearest = np.abs(self.fractions - fraction).argmin()
        return float(self.fractions[nearest]), float(self.accuracy[nearest])


def compute_reliability(probabilities: ArrayLike, references: ArrayLike, *, bins: int = _BINS) -> Reliability:
    """Compare confidence and accuracy in at most `bins` bins of equal mass, given (N, L) and (N,) arrays.

    There are fewer bins for few rows or many equal confidences.

    >>> compute_reliability([[0.9, 0.1], [0.6, 0.4]], [0, 1], bins=2).accuracy.tolist()
    [0.0, 1.0]
    """
    confidences, is_right = _judge(probabilities, references)
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


def compute_risk_coverage(probabilities: ArrayLike, references: ArrayLike) -> RiskCoverage:
    """Return the curve of a model that answers its most confident rows first, given (N, L) and (N,) arrays.

    It has at most 50 points, fewer if rows have equal confidence, since they are answered together.

    >>> compute_risk_coverage([[0.9, 0.1], [0.6, 0.4]], [0, 1]).accuracy.tolist()
    [1.0, 0.5]
    """
    confidence, is_right = _judge(probabilities, references)
    order = np.argsort(-confidence, kind="stable")
    confidence, hits = confidence[order], np.cumsum(is_right[order])
    ends = np.linspace(0, len(order), min(_POINTS, len(order)) + 1)[1:].round().astype(np.int64)
    # Extend each point to the last row with the same confidence.
    answered = np.unique(np.searchsorted(-confidence, -confidence[ends - 1], side="right"))
    return RiskCoverage(answered / len(order), hits[answered - 1] / answered, confidence[answered - 1])


def _judge(probabilities: ArrayLike, references: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the confidence of each prediction, and whether it is right."""
    probabilities = np.asarray(probabilities, dtype=np.float64)
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == np.asarray(references)
