"""Mean and spread over seeds, worked by hand; gains against the t-distribution."""

import json

import numpy as np
import pytest

from hf_newscls.errors import InputError
from hf_newscls.evaluation.statistics.seeds import Spread, compare_spreads, compute_spread


def test_spread_worked_by_hand() -> None:
    spread = compute_spread([0.7, 0.8, 0.9])
    assert spread.mean == pytest.approx(0.8)
    assert spread.deviation == pytest.approx(0.1)  # the root of (0.01 + 0 + 0.01) / 2
    assert [*spread.values] == [0.7, 0.8, 0.9]


@pytest.mark.parametrize("values", [[], [0.5]])
def test_one_seed_has_no_spread(values: list[float]) -> None:
    with pytest.raises(InputError, match=rf"^seeds: must be at least 2 to have a spread, got {len(values)}; "):
        compute_spread(values)


def test_gain_worked_by_hand() -> None:
    # Standard error sqrt(0.01 / 3 + 0.01 / 3) = 0.0816; with 4 degrees of freedom the 97.5% point of t is 2.776.
    found = compare_spreads(compute_spread([0.7, 0.8, 0.9]), compute_spread([0.3, 0.4, 0.5]))
    assert found.gain == pytest.approx(0.4)
    assert found.interval.low == pytest.approx(0.4 - 2.776 * 0.08165, abs=1e-3)
    assert found.interval.high == pytest.approx(0.4 + 2.776 * 0.08165, abs=1e-3)
    assert found.exceeds_spread


def test_gain_within_the_spread_is_luck() -> None:
    assert not compare_spreads(compute_spread([0.7, 0.9]), compute_spread([0.6, 0.8])).exceeds_spread


def test_loss_beyond_the_spread_is_no_luck_either() -> None:
    found = compare_spreads(compute_spread([0.50, 0.51, 0.52]), compute_spread([0.90, 0.91, 0.92]))
    assert found.gain < 0
    assert found.exceeds_spread


@pytest.mark.parametrize(("first", "exceeds"), [(0.5, False), (0.6, True)])
def test_equal_values_have_no_luck(first: float, exceeds: bool) -> None:
    found = compare_spreads(compute_spread([first, first]), compute_spread([0.5, 0.5]))
    assert found.interval.low == found.interval.high == pytest.approx(first - 0.5)
    assert found.exceeds_spread == exceeds


def test_spread_survives_json() -> None:
    spread = compute_spread(np.array([0.25, 0.5]).tolist())
    assert Spread.from_dict(json.loads(json.dumps(spread.to_dict()))) == spread
