"""Choose where two labels part: the probability of the second one from which it is the answer.

Shape letters: N rows, K candidates.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_newscls.evaluation.confusion_scores import score_confusions

__all__ = ["Threshold", "fit_threshold"]

_PLAIN = 0.5

Values = NDArray[np.float64]
Split = tuple[NDArray[np.floating[Any]], NDArray[np.int64]]


@dataclass(frozen=True)
class Threshold:
    """A threshold for the model's own probabilities, without a temperature.

    Attributes:
        label: the second label.
        probability: from which it is the answer.
        metric: what was made best on validation.
        score: of the metric on test, with the threshold.
        plain_score: of the metric on test, with 0.5.
    """

    label: str
    probability: float
    metric: str
    score: float
    plain_score: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Threshold":
        """Return the threshold that `to_dict` wrote."""
        return cls(**content)


def fit_threshold(validation: Split, test: Split, *, label: str, metric: str) -> Threshold:
    """Choose the threshold on validation, and tell what it is worth on test.

    Candidates lie in the middle between the probabilities of validation rows. Of equally good ones the nearest to 0.5
    is taken, and 0.5 itself where none is better.

    Args:
        validation: probabilities (N, 2) and references (N,).
        test: the same of the test side.
        label: name of the second label.
        metric: what `score_confusions` computes.
    """
    values = np.unique(validation[0][:, 1].astype(np.float64))
    candidates = np.append((values[1:] + values[:-1]) / 2, _PLAIN)
    scores = _score_thresholds(*validation, candidates, metric=metric)
    best = candidates[scores >= scores.max() - 1e-12]
    chosen = float(best[np.abs(best - _PLAIN).argmin()])
    score, plain_score = _score_thresholds(*test, np.array([chosen, _PLAIN]), metric=metric).tolist()
    return Threshold(label, chosen, metric, score, plain_score)


def _score_thresholds(
    probabilities: NDArray[np.floating[Any]], references: NDArray[np.int64], thresholds: Values, *, metric: str
) -> Values:
    """Return the score of each threshold, shape (K,)."""
    confusions = np.empty((len(thresholds), 2, 2))
    for reference in (0, 1):
        values = np.sort(probabilities[references == reference, 1].astype(np.float64))
        confusions[:, reference, 0] = np.searchsorted(values, thresholds, side="left")
        confusions[:, reference, 1] = len(values) - confusions[:, reference, 0]
    return score_confusions(confusions)[metric]
