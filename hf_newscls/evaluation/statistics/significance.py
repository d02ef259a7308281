"""Compare two models that predicted the same rows: paired bootstrap differences and significance tests.

Both models are scored on the same bootstrap draws, so what is hard for both cancels out. Draws are not stratified: a
label with one or two rows, drawn every time, would otherwise decide the comparison.

Shape letters: N rows, L labels, R draws.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest

from hf_newscls.evaluation.metrics import compute_confusion, compute_f1, compute_scores
from hf_newscls.evaluation.statistics.bootstrap import Bootstrap, Interval, resample_scores, to_interval

Verdict = Literal["ahead", "tied", "behind"]
"""How the first of a pair compares with the second."""

ALPHA = 0.05
"""Significance level, over all pairs of a table together."""

_MIN_RESAMPLES, _MAX_RESAMPLES = 1000, 20_000
_SPARE = 5


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

    scores: Mapping[str, float]  # on all rows, as `compute_scores` names them
    by_metric: Mapping[str, DrawnScore]  # without calibration_error, whose draws are biased
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
    scores = compute_scores(probabilities, references, top_k=bootstrap.top_k)
    resamples = resample_scores(probabilities, references, replace(bootstrap, is_stratified=False))
    (label_f1,) = compute_f1(compute_confusion(probabilities, references)[None].astype(np.float64))
    return DrawnScores(
        scores=scores,
        by_metric={name: DrawnScore(scores[name], draws) for name, draws in resamples.scores.items()},
        by_label=[DrawnScore(*one) for one in zip(label_f1.tolist(), resamples.label_f1.T, strict=True)],
        is_counted=resamples.is_counted,
    )


def compare_scores(own: DrawnScore, other: DrawnScore) -> ScorePair:
    """Compare one score of two models that were scored on the same draws.

    >>> pair = compare_scores(DrawnScore(0.75, np.array([0.5, 1.0])), DrawnScore(0.5, np.array([0.25, 0.75])))
    >>> pair.gain
    Interval(low=0.25, high=0.25)
    """
    return ScorePair(own.value, other.value, compute_gain(own, other), compute_bootstrap_p(own.draws, other.draws))


def compute_gain(own: DrawnScore, other: DrawnScore) -> Interval:
    """Return the 95% interval of the first model's score minus the second's, paired: on the same draws."""
    return to_interval(own.draws - other.draws)


def compute_mcnemar_p(first_right: ArrayLike, second_right: ArrayLike) -> float:
    """Return the two-sided p-value of the exact test of McNemar (1947), as Dietterich (1998) advises.

    The test uses the rows that only one classifier predicts correctly. Under the null hypothesis each classifier is the
    correct one with probability 1/2. Both arguments say whether a classifier is right on each row, shape (N,).

    >>> compute_mcnemar_p([True, True, True], [False, False, True])  # 2 * (1 / 2) ** 2
    0.5
    """
    first, second = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    if only_first + only_second == 0:
        return 1.0
    return float(binomtest(only_first, only_first + only_second, 0.5).pvalue)


def compute_bootstrap_p(first: ArrayLike, second: ArrayLike) -> float:
    """Return the two-sided p-value of a difference between scores of the same draws (Davison and Hinkley 1997).

    It is twice the fraction of draws with a difference of 0 or of the other sign. The data count as one more draw, so
    the p-value is never 0. Both arguments have shape (R,), one score for each of R draws.

    >>> compute_bootstrap_p([0.5, 0.6, 0.7], [0.4, 0.5, 0.8])
    1.0
    """
    differences = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    rarer = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    return min(1.0, 2 * (rarer + 1) / (len(differences) + 1))


def holm_correction(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm 1979), in the given order.

    The smallest of m p-values is multiplied by m, the next by m - 1, and so on; none gets smaller than the one before.

    >>> holm_correction([0.25, 0.125, 0.5])
    [0.5, 0.375, 0.5]
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def judge_gap(gain: float, p_value: float) -> Verdict:
    """Return how the first of a pair compares with the second at a level of 5%; a gain above 0 means it is better.

    >>> judge_gap(0.1, 0.04), judge_gap(-0.1, 0.04), judge_gap(0.1, 0.05)
    ('ahead', 'behind', 'tied')
    """
    if p_value >= ALPHA or gain == 0:
        return "tied"
    return "ahead" if gain > 0 else "behind"


def choose_resamples(pairs: int) -> int:
    """Return the number of draws needed for p-values below 5% after Holm's correction of `pairs` tests.

    At most 20,000, to limit the time; with more than 500 pairs no difference can then be significant.

    >>> choose_resamples(1), choose_resamples(45), choose_resamples(500)
    (1000, 9000, 20000)
    """
    return min(max(_MIN_RESAMPLES, round(_SPARE * 2 * pairs / ALPHA)), _MAX_RESAMPLES)
