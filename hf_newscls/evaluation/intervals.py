"""95% intervals of scores, and of the difference of two models, by percentiles of the bootstrap."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hf_newscls.evaluation.resampling import Resamples

__all__ = ["Interval", "compute_difference", "compute_intervals", "compute_label_intervals", "to_interval"]

_LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A 95% interval, both ends included."""

    low: float
    high: float


def compute_intervals(resamples: Resamples) -> dict[str, Interval]:
    """Return the 95% interval of each score, as `compute_scores` names them; calibration_error has none."""
    return {name: to_interval(values) for name, values in resamples.scores.items()}


def compute_label_intervals(resamples: Resamples) -> list[Interval]:
    """Return the 95% interval of each label's F1, in label order."""
    return [to_interval(values) for values in resamples.label_f1.T]


def compute_difference(first: Resamples, second: Resamples) -> dict[str, Interval]:
    """Return the 95% interval of the paired difference of each score: the first less the second.

    Both must come from the very same draws, so that what is hard for both cancels out. An interval above 0 says that
    the first is better beyond chance; of log_loss and brier_score, where less is better, that it is worse.
    """
    return {name: to_interval(first.scores[name] - second.scores[name]) for name in first.scores}


def to_interval(values: NDArray[np.float64]) -> Interval:
    """Return the 95% interval of scores of draws, by percentile."""
    low, high = np.quantile(values, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Interval(float(low), float(high))
