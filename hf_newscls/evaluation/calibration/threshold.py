"""Choose the decision threshold for two labels: from this probability on the second label is predicted.

Shape letters: N rows, K candidates.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_newscls.evaluation.confusion_scores import score_confusions

_DEFAULT = 0.5

Split = tuple[NDArray[np.floating[Any]], NDArray[np.int64]]
"""Probabilities (N, L) and references (N,)."""


@dataclass(frozen=True)
class Threshold:
    """A threshold for the model's own probabilities, without a temperature.

    Attributes:
        label: the second label.
        probability: from which it is predicted.
        metric: the score that is best on validation.
        score: of the metric on test, with the threshold.
        plain_score: of the metric on test, with 0.5.
    """

    label: str
    probability: float
    metric: str
    score: float
    plain_score: float


def fit_threshold(validation: Split, test: Split, *, label: str, metric: str) -> Threshold:
    """Choose the threshold on validation and score it on test.

    The candidates are the midpoints between the probabilities of validation rows, and 0.5. Of equally good candidates
    the one nearest to 0.5 wins. `label` is the name of the second label, `metric` a score of `score_confusions`.
    """
    values = np.unique(validation[0][:, 1].astype(np.float64))
    candidates = np.append((values[1:] + values[:-1]) / 2, _DEFAULT)
    scores = _score_thresholds(*validation, candidates, metric=metric)
    best = candidates[scores >= scores.max() - 1e-12]
    chosen = float(best[np.abs(best - _DEFAULT).argmin()])
    score, plain_score = _score_thresholds(*test, np.array([chosen, _DEFAULT]), metric=metric).tolist()
    return Threshold(label, chosen, metric, score, plain_score)


def _score_thresholds(
    probabilities: NDArray[np.floating[Any]],
    references: NDArray[np.int64],
    thresholds: NDArray[np.float64],
    *,
    metric: str,
) -> NDArray[np.float64]:
    """Return the score of each threshold, shape (K,)."""
    confusions = np.empty((len(thresholds), 2, 2))
    for reference in (0, 1):
        values = np.sort(probabilities[references == reference, 1].astype(np.float64))
        confusions[:, reference, 0] = np.searchsorted(values, thresholds, side="left")
        confusions[:, reference, 1] = len(values) - confusions[:, reference, 0]
    return score_confusions(confusions)[metric]
