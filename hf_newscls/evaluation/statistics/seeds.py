"""The variance of a score over seeds, and whether the gain of one recipe over another exceeds it.

Shape letter: S seeds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import TypeAdapter
from scipy.stats import ttest_ind

from hf_newscls.errors import InputError, format_examples
from hf_newscls.evaluation.metric_names import DECISION_METRICS
from hf_newscls.evaluation.renamed_keys import rename_old_keys
from hf_newscls.evaluation.statistics.bootstrap import Interval


@dataclass(frozen=True)
class Spread:
    """A score of several trainings that differ only in their seed."""

    mean: float
    deviation: float  # sample standard deviation (divided by S - 1)
    values: Sequence[float]  # in the order of the seeds


@dataclass(frozen=True)
class SeedScores:
    """What another recipe's `seeds.json` says about its scores."""

    split_fingerprint: str
    scores: Mapping[str, Spread]

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "SeedScores":
        """Return the content of a seeds.json, also of an earlier version; other keys are ignored.

        Raises:
            ValueError: a value is missing or has another type.
        """
        found = TypeAdapter(cls).validate_python(rename_old_keys(content))
        if missing := {*DECISION_METRICS} - found.scores.keys():
            raise ValueError(f"scores: no {format_examples(sorted(missing))}")
        return found


@dataclass(frozen=True)
class SpreadGain:
    """The mean score of one recipe minus that of another."""

    gain: float
    interval: Interval  # by the test of Welch (1947), which allows different variances

    @property
    def exceeds_spread(self) -> bool:
        """Whether the gain, or the loss, exceeds the variance over seeds."""
        return self.interval.low > 0 or self.interval.high < 0


def compute_spread(values: Sequence[float]) -> Spread:
    """Return mean and standard deviation of a score over seeds.

    Raises:
        InputError: there are fewer than two values.

    >>> compute_spread([0.5, 1.0]).mean
    0.75
    """
    if len(values) < 2:
        raise InputError(
            f"seeds: {len(values)} given, but a standard deviation needs at least 2; train with more seeds"
        )
    return Spread(float(np.mean(values)), float(np.std(values, ddof=1)), [float(value) for value in values])


def compare_spreads(first: Spread, second: Spread) -> SpreadGain:
    """Return the gain of the first recipe over the second, for one score on one split.

    If all values of each recipe are equal, both ends of the interval are the gain.
    """
    gain = first.mean - second.mean
    if first.deviation == second.deviation == 0:
        return SpreadGain(gain, Interval(gain, gain))
    low, high = ttest_ind(first.values, second.values, equal_var=False).confidence_interval(0.95)
    return SpreadGain(gain, Interval(float(low), float(high)))
