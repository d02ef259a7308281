"""How much of a score is the luck of a seed, and whether one recipe beats another by more than that.

Shape letter: S seeds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import ttest_ind

from hf_newscls.errors import InputError
from hf_newscls.evaluation.statistics.bootstrap import Interval

__all__ = ["Spread", "SpreadGain", "compare_spreads", "compute_spread"]


@dataclass(frozen=True)
class Spread:
    """A score of several trainings that differ in their seed alone.

    Attributes:
        mean: of the S values.
        deviation: their standard deviation, of a sample: divided by S - 1.
        values: in the order of the seeds.
    """

    mean: float
    deviation: float
    values: Sequence[float]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {"mean": self.mean, "deviation": self.deviation, "values": [*self.values]}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Spread":
        """Return the spread that `to_dict` wrote."""
        return cls(**content)


@dataclass(frozen=True)
class SpreadGain:
    """The mean of one recipe less that of another.

    Attributes:
        gain: of the means.
        interval: 95%, by the test of Welch (1947), which lets the recipes have different spreads.
    """

    gain: float
    interval: Interval

    @property
    def exceeds_spread(self) -> bool:
        """Whether the gain, or the loss, is more than the luck of seeds explains."""
        return self.interval.low > 0 or self.interval.high < 0


def compute_spread(values: Sequence[float]) -> Spread:
    """Return mean and standard deviation of a score over seeds.

    Raises:
        InputError: there are fewer than two values.

    >>> compute_spread([0.5, 1.0]).mean
    0.75
    """
    if len(values) < 2:
        raise InputError(f"seeds: must be at least 2 to have a spread, got {len(values)}; train with more")
    return Spread(float(np.mean(values)), float(np.std(values, ddof=1)), [float(value) for value in values])


def compare_spreads(first: Spread, second: Spread) -> SpreadGain:
    """Return what the first recipe gains over the second, of the same score on the same split.

    Where neither has a spread the interval is the gain itself.
    """
    gain = first.mean - second.mean
    if first.deviation == second.deviation == 0:
        return SpreadGain(gain, Interval(gain, gain))
    low, high = ttest_ind(first.values, second.values, equal_var=False).confidence_interval(0.95)
    return SpreadGain(gain, Interval(float(low), float(high)))
