"""How well a model's probabilities match its accuracy on test, and the decision threshold for two labels.

A model is calibrated before it is saved: see `temperature`. From the threshold on, the second label is predicted; it is
fitted on validation and evaluated on test.

Shape letters: N rows, L labels, K candidates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_newscls.evaluation.calibration.reliability import (
    Reliability,
    RiskCoverage,
    compute_reliability,
    compute_risk_coverage,
)
from hf_newscls.evaluation.calibration.temperature import scale_probabilities
from hf_newscls.evaluation.metric_names import PROBABILITY_METRICS
from hf_newscls.evaluation.metrics import compute_scores, score_confusions

_DEFAULT_THRESHOLD = 0.5

Floats = NDArray[np.float64]
Split = tuple[NDArray[np.floating[Any]], NDArray[np.int64]]
"""Probabilities (N, L) and references (N,)."""


@dataclass(frozen=True)
class Threshold:
    """A threshold for the model's probabilities."""

    label: str  # the second label
    probability: float  # from which it is predicted
    metric: str  # that the threshold maximizes on validation
    score: float  # of the metric on test, with the threshold
    plain_score: float  # of the metric on test, with 0.5


@dataclass(frozen=True)
class Calibration:
    """How well probabilities match accuracy on test, before and after calibration."""

    temperature: float  # that the logits were divided by before the model was saved; 1 if they were not
    before: Reliability  # without the temperature
    after: Reliability  # of the saved model
    scores_before: Mapping[str, float]  # log_loss, brier_score and calibration_error without the temperature
    risk_coverage: RiskCoverage
    threshold: Threshold | None  # None for more than two labels

    def to_config(self) -> dict[str, Any]:
        """Return the entries for the model's config.

        Not `temperature`: in models of version 0.2, that is one which users had to apply.
        """
        threshold = self.threshold
        chosen = {"threshold": {"label": threshold.label, "probability": threshold.probability}} if threshold else {}
        return {"folded_temperature": self.temperature, **chosen}


def build_calibration(
    validation: Split, test: Split, *, temperature: float, label_names: list[str], threshold_metric: str
) -> Calibration:
    """Evaluate a model whose logits were divided by a temperature, and fit the threshold for two labels."""
    probabilities, references = test
    before = scale_probabilities(probabilities, 1 / temperature)
    scores = compute_scores(before, references, top_k=[])
    is_binary = len(label_names) == 2
    return Calibration(
        temperature=temperature,
        before=compute_reliability(before, references),
        after=compute_reliability(probabilities, references),
        scores_before={name: scores[name] for name in PROBABILITY_METRICS},
        risk_coverage=compute_risk_coverage(probabilities, references),
        threshold=fit_threshold(validation, test, label=label_names[1], metric=threshold_metric) if is_binary else None,
    )


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
