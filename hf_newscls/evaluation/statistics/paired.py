"""Compare two models on the same rows: paired bootstrap differences with their p-values.

Both models are scored on the same bootstrap draws, so what is hard for both cancels out. Draws are not stratified: a
label with one or two rows, drawn every time, would otherwise decide the comparison.

Shape letters: N rows, L labels, R draws.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hf_newscls.evaluation.metrics import compute_confusion, compute_f1, compute_scores
from hf_newscls.evaluation.statistics.bootstrap import Bootstrap, Interval, resample_scores, to_interval
from hf_newscls.evaluation.statistics.significance import compute_bootstrap_p


@dataclass(frozen=True)
class ScorePair:
    """One score of two models on the same rows."""

    own: float
    other: float
    gain: Interval  # of the first model's score minus the second's
    p_value: float = math.nan  # two-sided, of that difference; NaN in reports of version 0.1, which did not store it

    @property
    def verdict(self) -> str:
        """Whether the first model is better, by the interval."""
        if self.gain.low > 0:
            return "significantly better"
        return "significantly worse" if self.gain.high < 0 else "no significant difference"


@dataclass(frozen=True)
class DrawnScore:
    """One score of one model."""

    value: float  # on all rows
    draws: NDArray[np.float64]  # (R,), on each bootstrap draw


@dataclass(frozen=True)
class DrawnScores:
    """The scores of one model on all rows and on each bootstrap draw."""

    by_metric: dict[str, DrawnScore]  # without calibration_error, whose draws are biased
    by_label: Sequence[DrawnScore]  # F1, in label order
    is_counted: NDArray[np.bool_]  # (R, L), whether macro averages of a draw include a label

    def average_f1(self, labels: Sequence[int]) -> DrawnScore:
        """Return the mean F1 of some labels; a draw averages only those that have rows in it."""
        chosen = [self.by_label[label] for label in labels]
        counted = np.maximum(self.is_counted[:, labels].sum(axis=1), 1)
        mean = float(np.mean([score.value for score in chosen]))
        return DrawnScore(mean, np.sum([score.draws for score in chosen], axis=0) / counted)


def draw_scores(probabilities: ArrayLike, references: ArrayLike, bootstrap: Bootstrap) -> DrawnScores:
    """Score a model on all rows and on bootstrap draws without strata, given (N, L) and (N,) arrays.

    Models with equal references and an equal bootstrap are scored on equal draws, and can be compared.
    """
    values = compute_scores(probabilities, references, top_k=bootstrap.top_k)
    resamples = resample_scores(probabilities, references, replace(bootstrap, is_stratified=False))
    (label_f1,) = compute_f1(compute_confusion(probabilities, references)[None].astype(np.float64))
    return DrawnScores(
        by_metric={name: DrawnScore(values[name], draws) for name, draws in resamples.scores.items()},
        by_label=[DrawnScore(*one) for one in zip(label_f1.tolist(), resamples.label_f1.T, strict=True)],
        is_counted=resamples.is_counted,
    )


def compare_scores(own: DrawnScore, other: DrawnScore) -> ScorePair:
    """Compare one score of two models that were scored on the same draws.

    >>> pair = compare_scores(DrawnScore(0.75, np.array([0.5, 1.0])), DrawnScore(0.5, np.array([0.25, 0.75])))
    >>> pair.gain
    Interval(low=0.25, high=0.25)
    """
    gain = to_interval(own.draws - other.draws)
    return ScorePair(own.value, other.value, gain, compute_bootstrap_p(own.draws, other.draws))
