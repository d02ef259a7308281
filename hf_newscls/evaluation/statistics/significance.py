"""Significance tests for two classifiers that predicted the same rows."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest

Verdict = Literal["ahead", "tied", "behind"]
"""How the first of a pair compares with the second."""

ALPHA = 0.05
"""Significance level, over all pairs of a table together."""

_MIN_RESAMPLES, _MAX_RESAMPLES = 1000, 20_000
_SPARE = 5


def compute_mcnemar_p(first_right: ArrayLike, second_right: ArrayLike) -> float:
    """Return the two-sided p-value of the exact test of McNemar (1947), as Dietterich (1998) advises.

    The test uses the rows that only one classifier predicts correctly. Under the null hypothesis each classifier is the
    correct one with probability 1/2. Both arguments say whether a classifier is right on each row, shape (N,).

    >>> compute_mcnemar_p([True] * 5 + [False], [False] * 5 + [False])
    0.0625
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
