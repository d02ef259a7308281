"""Mean and deviation over seeds, worked by hand; gains by the t-distribution."""

import pytest

from hf_newscls.errors import InputError
from hf_newscls.evaluation.statistics.seeds import compare_spreads, compute_spread


def test_spread_worked_by_hand() -> None:
    spread = compute_spread([0.7, 0.8, 0.9])
    assert spread.mean == pytest.approx(0.8)
    assert spread.deviation == pytest.approx(0.1)  # the root of (0.01 + 0 + 0.01) / 2
    assert [*spread.values] == [0.7, 0.8, 0.9]


@pytest.mark.parametrize("values", [[], [0.5]])
def test_one_seed_has_no_spread(values: list[float]) -> None:
    with pytest.raises(InputError, match=rf"^seeds: {len(values)} "):
        compute_spread(values)


def test_gain_worked_by_hand() -> None:
    # Standard error sqrt(0.01 / 3 + 0.01 / 3) = 0.0816; with 4 degrees of freedom the 97.5% point of t is 2.776.
    found = compare_spreads(compute_spread([0.7, 0.8, 0.9]), compute_spread([0.3, 0.4, 0.5]))
    assert found.gain == pytest.approx(0.4)
    assert found.interval.low == pytest.approx(0.4 - 2.776 * 0.08165, abs=1e-3)
    assert found.interval.high == pytest.approx(0.4 + 2.776 * 0.08165, abs=1e-3)
    assert found.exceeds_spread


def test_small_gain_does_not_exceed_the_spread() -> None:
    assert not compare_spreads(compute_spread([0.7, 0.9]), compute_spread([0.6, 0.8])).exceeds_spread


def test_large_loss_exceeds_the_spread() -> None:
    found = compare_spreads(compute_spread([0.50, 0.51, 0.52]), compute_spread([0.90, 0.91, 0.92]))
    assert found.gain < 0
    assert found.exceeds_spread


@pytest.mark.parametrize(("first", "exceeds"), [(0.5, False), (0.6, True)])
def test_gain_of_equal_values_is_exact(first: float, exceeds: bool) -> None:
    found = compare_spreads(compute_spread([first, first]), compute_spread([0.5, 0.5]))
    assert found.interval.low == found.interval.high == pytest.approx(first - 0.5)
    assert found.exceeds_spread == exceeds
