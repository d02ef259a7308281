"""Make probabilities say how often a model is right, and choose where two labels part.

One temperature divides all logits (Guo et al. 2017, arXiv 1706.04599): it changes how sure a model is, never which
label is the most probable. Temperature and threshold are fitted on validation; what they are worth is told on test.

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
from hf_newscls.evaluation.calibration.risk_coverage import AbstentionCurve, compute_abstention
from hf_newscls.evaluation.calibration.threshold import Threshold, fit_threshold
from hf_newscls.evaluation.metrics import compute_scores

__all__ = ["Calibration", "build_calibration", "fit_temperature", "scale_probabilities"]

_COLDEST, _HOTTEST = 0.05, 20.0
_CALIBRATED_SCORES = ("log_loss", "brier_score", "calibration_error")

Probabilities = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Calibration:
    """How far probabilities can be trusted, and what makes them better.

    Attributes:
        temperature: what to divide the logits by; above 1 the model is too sure of itself.
        before: confidence against accuracy on test, as the model is.
        after: the same with the temperature.
        scores: log_loss, brier_score and calibration_error on test with the temperature.
        abstention: accuracy on test where only the surest rows are answered, with the temperature.
        threshold: of two labels where they part; None for more.
    """

    temperature: float
    before: Reliability
    after: Reliability
    scores: Mapping[str, float]
    abstention: AbstentionCurve
    threshold: Threshold | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "temperature": self.temperature,
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
            "scores": dict(self.scores),
            "abstention": self.abstention.to_dict(),
            "threshold": self.threshold.to_dict() if self.threshold else None,
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Calibration":
        """Return what `to_dict` wrote."""
        threshold = content["threshold"]
        return cls(
            temperature=content["temperature"],
            before=Reliability.from_dict(content["before"]),
            after=Reliability.from_dict(content["after"]),
            scores=content["scores"],
            abstention=AbstentionCurve.from_dict(content["abstention"]),
            threshold=Threshold.from_dict(threshold) if threshold else None,
        )

    def to_config(self) -> dict[str, Any]:
        """Return what a model's config says, for whoever wants calibrated probabilities of it."""
        threshold = self.threshold
        chosen = {"threshold": {"label": threshold.label, "probability": threshold.probability}} if threshold else {}
        return {"temperature": self.temperature, **chosen}


def build_calibration(
    validation: tuple[Probabilities, NDArray[np.int64]],
    test: tuple[Probabilities, NDArray[np.int64]],
    *,
    label_names: list[str],
    threshold_metric: str,
) -> Calibration:
    """Fit on validation and measure on test.

    Args:
        validation: probabilities (N, L) and references (N,).
        test: the same of the test side.
        label_names: L names.
        threshold_metric: what the threshold of two labels is to make best.
    """
    temperature = fit_temperature(*validation)
    probabilities, references = test
    calibrated = scale_probabilities(probabilities, temperature)
    scores = compute_scores(calibrated, references, top_k=[])
    has_threshold = len(label_names) == 2
    return Calibration(
        temperature=temperature,
        before=compute_reliability(probabilities, references),
        after=compute_reliability(calibrated, references),
        scores={name: scores[name] for name in _CALIBRATED_SCORES},
        abstention=compute_abstention(calibrated, references),
        threshold=fit_threshold(validation, test, label=label_names[1], metric=threshold_metric)
        if has_threshold
        else None,
    )


def fit_temperature(probabilities: ArrayLike, references: ArrayLike) -> float:
    """Return the temperature between 0.05 and 20 that makes the log loss least.

    Args:
        probabilities: (N, L) of rows that the model did not learn from.
        references: (N,) label ids.
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
    """Return probabilities (N, L) as they are where the logits are divided by a temperature.

    >>> scale_probabilities([[0.8, 0.2]], 0.5).round(4).tolist()
    [[0.9412, 0.0588]]
    """
    scaled: NDArray[np.float64] = softmax(_to_logits(probabilities) / temperature, axis=1)
    return scaled


def _to_logits(probabilities: ArrayLike) -> NDArray[np.float64]:
    """Return logits up to a constant in each row, which no softmax sees."""
    # A probability of 0 is what float32 cannot hold; its smallest number stands for it.
    smallest = float(np.finfo(np.float32).tiny)
    logits: NDArray[np.float64] = np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), smallest))
    return logits
