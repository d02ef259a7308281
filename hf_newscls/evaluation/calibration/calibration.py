"""Calibrate probabilities with a temperature, and choose the decision threshold for two labels.

A temperature divides all logits (Guo et al. 2017, arXiv 1706.04599). It changes the confidence of a prediction, never
the predicted label. Temperature and threshold are fitted on validation and evaluated on test.

Shape letters: N rows, L labels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from hf_newscls.evaluation.calibration.reliability import Reliability, compute_reliability
from hf_newscls.evaluation.calibration.risk_coverage import RiskCoverage, compute_risk_coverage
from hf_newscls.evaluation.calibration.threshold import Split, Threshold, fit_threshold
from hf_newscls.evaluation.metric_names import PROBABILITY_METRICS
from hf_newscls.evaluation.metrics import compute_scores

_COLDEST, _HOTTEST = 0.05, 20.0


@dataclass(frozen=True)
class Calibration:
    """How well probabilities match accuracy, before and after calibration.

    Attributes:
        temperature: divide the logits by it; above 1 the model is overconfident.
        before: confidence and accuracy on test, without the temperature.
        after: the same with the temperature.
        scores: log_loss, brier_score and calibration_error on test with the temperature.
        risk_coverage: accuracy on test if only confident predictions count, with the temperature.
        threshold: decision threshold for two labels; None for more.
    """

    temperature: float
    before: Reliability
    after: Reliability
    scores: Mapping[str, float]
    risk_coverage: RiskCoverage
    threshold: Threshold | None

    def to_config(self) -> dict[str, Any]:
        """Return the entries for the model's config, from which users can calibrate its probabilities."""
        threshold = self.threshold
        chosen = {"threshold": {"label": threshold.label, "probability": threshold.probability}} if threshold else {}
        return {"temperature": self.temperature, **chosen}


def build_calibration(validation: Split, test: Split, *, label_names: list[str], threshold_metric: str) -> Calibration:
    """Fit temperature and threshold on validation and evaluate them on test.

    The threshold is fitted only for two labels; it maximizes `threshold_metric`.
    """
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


def scale_probabilities(probabilities: ArrayLike, temperature: float) -> NDArray[np.float64]:
    """Return the probabilities (N, L) after dividing their logits by a temperature.

    >>> scale_probabilities([[0.8, 0.2]], 0.5).round(4).tolist()
    [[0.9412, 0.0588]]
    """
    scaled: NDArray[np.float64] = softmax(_to_logits(probabilities) / temperature, axis=1)
    return scaled


def _to_logits(probabilities: ArrayLike) -> NDArray[np.float64]:
    """Return logits up to a constant in each row, which does not change the softmax."""
    # A probability of 0 is one too small for float32, so the smallest number of float32 replaces it.
    smallest = float(np.finfo(np.float32).tiny)
    logits: NDArray[np.float64] = np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), smallest))
    return logits
