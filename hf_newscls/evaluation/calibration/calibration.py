"""Calibrate probabilities with a temperature, and choose the decision threshold for two labels.

A temperature divides all logits (Guo et al. 2017, arXiv 1706.04599). It changes the confidence of a prediction, never
the predicted label. From the threshold on, the second label is predicted. Both are fitted on validation and evaluated
on test.

Shape letters: N rows, L labels, K candidates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from hf_newscls.evaluation.calibration.reliability import (
    Reliability,
    RiskCoverage,
    compute_reliability,
    compute_risk_coverage,
)
from hf_newscls.evaluation.metric_names import PROBABILITY_METRICS
from hf_newscls.evaluation.metrics import compute_scores, score_confusions

_COLDEST, _HOTTEST = 0.05, 20.0
_DEFAULT_THRESHOLD = 0.5

Floats = NDArray[np.float64]
Split = tuple[NDArray[np.floating[Any]], NDArray[np.int64]]
"""Probabilities (N, L) and references (N,)."""


@dataclass(frozen=True)
class Threshold:
    """A threshold for the model's own probabilities, without a temperature."""

    label: str  # the second label
    probability: float  # from which it is predicted
    metric: str  # that the threshold maximizes on validation
    score: float  # of the metric on test, with the threshold
    plain_score: float  # of the metric on test, with 0.5


@dataclass(frozen=True)
class Calibration:
    """How well probabilities match accuracy on test, before and after calibration."""

    temperature: float  # divide the logits by it; above 1 it lowers the confidence
    before: Reliability
    after: Reliability
    scores: Mapping[str, float]  # log_loss, brier_score and calibration_error with the temperature
    risk_coverage: RiskCoverage  # with the temperature
    threshold: Threshold | None  # None for more than two labels

    def to_config(self) -> dict[str, Any]:
        """Return the entries for the model's config, from which users can calibrate its probabilities."""
        threshold = self.threshold
        chosen = {"threshold": {"label": threshold.label, "probability": threshold.probability}} if threshold else {}
        return {"temperature": self.temperature, **chosen}


def build_calibration(validation: Split, test: Split, *, label_names: list[str], threshold_metric: str) -> Calibration:
    """Fit temperature and, for two labels, the threshold on validation, and evaluate them on test."""
    temperature = fit_temperature(*validation)
    probabilities, references = test
    calibrated = scale_probabilities(probabilities, temperature)
    scores = compute_scores(calibrated, references, top_k=[])
    is_binary = len(label_names) == 2
    return Calibration(
        temperature=temperature,
        before=compute_reliability(probabilities, references),
        after=compute_reliability(calibrated, references),
        scores={name: scores[name] for name in PROBABILITY_METRICS},
        risk_coverage=compute_risk_coverage(calibrated, references),
        threshold=fit_threshold(validation, test, label=label_names[1], metric=threshold_metric) if is_binary else None,
    )


def fit_temperature(probabilities: ArrayLike, references: ArrayLike) -> float:
    """Return the temperature between 0.05 and 20 that minimizes the log loss on rows outside the training set.

    Probabilities have shape (N, L), references (N,).
    """
    logits, labels = _to_logits(probabilities), np.asarray(references)
    rows = np.arange(len(labels))

    def compute_loss(log_temperature: float) -> float:
        """Return the mean cross-entropy at a temperature."""
        return -float(log_softmax(logits / np.exp(log_temperature), axis=1)[rows, labels].mean())

    bounds = (float(np.log(_COLDEST)), float(np.log(_HOTTEST)))
    found = minimize_scalar(compute_loss, bounds=bounds, method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x))


def scale_probabilities(probabilities: ArrayLike, temperature: float) -> Floats:
    """Return the probabilities (N, L) after dividing their logits by a temperature.

    >>> scale_probabilities([[0.8, 0.2]], 0.5).round(4).tolist()
    [[0.9412, 0.0588]]
    """
    scaled: Floats = softmax(_to_logits(probabilities) / temperature, axis=1)
    return scaled


def _to_logits(probabilities: ArrayLike) -> Floats:
    """Return logits up to a constant in each row, which does not change the softmax."""
    # A probability of 0 is one too small for float32, so the smallest number of float32 replaces it.
    smallest = float(np.finfo(np.float32).tiny)
    logits: Floats = np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), smallest))
    return logits


def fit_threshold(validation: Split, test: Split, *, label: str, metric: str) -> Threshold:
    """Choose the threshold on validation and score it on test.

    The candidates are the midpoints between the probabilities of validation rows, and 0.5. Of equally good candidates
    the one nearest to 0.5 wins. `label` is the name of the second label, `metric` a score of `score_confusions`.
    """
    values = np.unique(validation[0][:, 1].astype(np.float64))
    candidates = np.append((values[1:] + values[:-1]) / 2, _DEFAULT_THRESHOLD)
    scores = _score_thresholds(validation, candidates, metric=metric)
    best = candidates[scores >= scores.max() - 1e-12]
    chosen = float(best[np.abs(best - _DEFAULT_THRESHOLD).argmin()])
    score, plain_score = _score_thresholds(test, np.array([chosen, _DEFAULT_THRESHOLD]), metric=metric).tolist()
    return Threshold(label, chosen, metric, score, plain_score)


def _score_thresholds(rows: Split, thresholds: Floats, *, metric: str) -> Floats:
    """Return the score of each threshold, shape (K,)."""
    probabilities, references = rows
    confusions = np.empty((len(thresholds), 2, 2))
    for reference in (0, 1):
        values = np.sort(probabilities[references == reference, 1].astype(np.float64))
        confusions[:, reference, 0] = np.searchsorted(values, thresholds, side="left")
        confusions[:, reference, 1] = len(values) - confusions[:, reference, 0]
    return score_confusions(confusions)[metric]
