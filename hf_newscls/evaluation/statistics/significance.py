"""Whether one of two classifiers is better beyond chance: both answered the very same rows."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest

__all__ = [
    "ALPHA",
    "Verdict",
    "choose_resamples",
    "compute_bootstrap_p",
    "compute_mcnemar_p",
    "holm_correction",
    "judge_gap",
]

Verdict = Literal["ahead", "tied", "behind"]
"""What is said of the first of a pair."""

ALPHA = 0.05
"""Largest chance, over all pairs of a table, of calling one classifier better where both are equally good."""

_LEAST_RESAMPLES, _MOST_RESAMPLES = 1000, 20_000
_SPARE = 5


def compute_mcnemar_p(first_right: ArrayLike, second_right: ArrayLike) -> float:
    """Return the two-sided p-value of the exact test of McNemar (1947), as Dietterich (1998) advises.

    Rows on which both are right, or both wrong, say nothing. Of the others, as many should go to the one as to the
    other where both are equally good: a binomial test with a chance of one half.

    Args:
        first_right: (N,) whether the first classifier is right on each row.
        second_right: (N,) the same of the second, in the same order.

    >>> compute_mcnemar_p([True] * 5 + [False], [False] * 5 + [False])
    0.0625
    """
    first, second = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    if only_first + only_second == 0:
        return 1.0
    return float(binomtest(only_first, only_first + only_second, 0.5).pvalue)


def compute_bootstrap_p(first: ArrayLike, second: ArrayLike) -> float:
    """Return the two-sided p-value of a difference from scores of the same resamples (Davison and Hinkley 1997).

    It is twice the share of resamples that lie on the other side of 0 or on it, the sample itself counted as one more;
    so it never is 0.

    Args:
        first: (R,) scores of the first classifier on R resamples.
        second: (R,) scores of the second on the same ones.

    >>> compute_bootstrap_p([0.5, 0.6, 0.7], [0.4, 0.5, 0.8])
    1.0
    """
    differences = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    rarer = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    return min(1.0, 2 * (rarer + 1) / (len(differences) + 1))


def holm_correction(p_values: Sequence[float]) -> list[float]:
    """Return p-values that may all be held against one level, in the order given (Holm 1979).

    The smallest of m is multiplied by m, the next by m - 1, and so on; none becomes smaller than one before it.

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
    """Say how the first of a pair stands, at 5%.

    Args:
        gain: by how much the first is better; below 0 where it is worse.
        p_value: corrected for the number of pairs.

    >>> judge_gap(0.1, 0.04), judge_gap(-0.1, 0.04), judge_gap(0.1, 0.05)
    ('ahead', 'behind', 'tied')
    """
    if p_value >= ALPHA or gain == 0:
        return "tied"
    return "ahead" if gain > 0 else "behind"


def choose_resamples(pairs: int) -> int:
    """Return how many resamples let the smallest p-value of so many pairs fall well below 5% after Holm's correction.

    There are at most 20,000, for time; with more than 500 pairs no difference is then large enough.

    >>> choose_resamples(1), choose_resamples(45), choose_resamples(500)
    (1000, 9000, 20000)
    """
    return min(max(_LEAST_RESAMPLES, round(_SPARE * 2 * pairs / ALPHA)), _MOST_RESAMPLES)
