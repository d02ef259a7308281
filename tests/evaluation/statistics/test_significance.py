"""Paired tests, with p-values worked by hand."""

import itertools
from math import comb

import numpy as np
import pytest

from hf_newscls.evaluation.statistics.bootstrap import Bootstrap, resample_scores
from hf_newscls.evaluation.statistics.significance import (
    Verdict,
    choose_resamples,
    compute_bootstrap_p,
    compute_mcnemar_p,
    holm_correction,
    judge_gap,
)


def rights(only_first: int, only_second: int, both: int = 3, neither: int = 2) -> tuple[list[bool], list[bool]]:
    """Return whether each classifier is right, by row."""
    first = [True] * only_first + [False] * only_second + [True] * both + [False] * neither
    second = [False] * only_first + [True] * only_second + [True] * both + [False] * neither
    return first, second


@pytest.mark.parametrize(
    ("only_first", "only_second", "p_value"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),  # 2 / 2
        (5, 0, 2 / 2**5),
        (6, 0, 2 / 2**6),
        (0, 6, 2 / 2**6),
        (4, 4, 1.0),
        (8, 1, 2 * (1 + 9) / 2**9),
        (10, 2, 2 * (1 + 12 + 66) / 2**12),
    ],
)
def test_mcnemar_is_the_binomial_test_of_the_rows_that_differ(
    only_first: int, only_second: int, p_value: float
) -> None:
    assert compute_mcnemar_p(*rights(only_first, only_second)) == pytest.approx(p_value)


def test_mcnemar_ignores_rows_that_both_get_right_or_wrong() -> None:
    few, many = rights(7, 2, both=0, neither=0), rights(7, 2, both=500, neither=300)
    assert compute_mcnemar_p(*few) == compute_mcnemar_p(*many)


def test_mcnemar_is_symmetric() -> None:
    first, second = rights(9, 3)
    tail = sum(comb(12, hits) for hits in range(4)) / 2**12
    assert compute_mcnemar_p(first, second) == compute_mcnemar_p(second, first) == pytest.approx(2 * tail)


@pytest.mark.parametrize(
    ("differences", "p_value"),
    [
        ([0.1] * 99, 2 / 100),
        ([-0.1] * 99, 2 / 100),
        ([0.1] * 95 + [-0.1] * 4, 2 * 5 / 100),
        ([0.1] * 95 + [0.0] * 4, 2 * 5 / 100),
        ([0.0] * 99, 1.0),
        ([0.1, -0.1], 1.0),
    ],
)
def test_bootstrap_p_counts_draws_of_the_other_sign(differences: list[float], p_value: float) -> None:
    assert compute_bootstrap_p(differences, np.zeros(len(differences))) == pytest.approx(p_value)


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        ([], []),
        ([0.04], [0.04]),
        # 3 x 0.01, 2 x 0.02, 1 x 0.04
        ([0.01, 0.02, 0.04], [0.03, 0.04, 0.04]),
        # 3 x 0.01 = 0.03; 2 x 0.0125 = 0.025 is raised to 0.03; 0.9 stays
        ([0.9, 0.0125, 0.01], [0.9, 0.03, 0.03]),
        ([0.6, 0.7], [1.0, 1.0]),
    ],
)
def test_holm_multiplies_by_the_remaining_pairs(p_values: list[float], adjusted: list[float]) -> None:
    assert holm_correction(p_values) == pytest.approx(adjusted)


def test_holm_is_never_below_the_plain_p_value_and_keeps_the_order() -> None:
    for p_values in itertools.permutations([0.001, 0.02, 0.02, 0.3]):
        adjusted = holm_correction(p_values)
        assert all(after >= before for before, after in zip(p_values, adjusted, strict=True))
        assert sorted(adjusted) == [adjusted[index] for index in np.argsort(p_values, kind="stable")]


@pytest.mark.parametrize(
    ("gain", "p_value", "verdict"),
    [(0.02, 0.0499, "ahead"), (-0.02, 0.0499, "behind"), (0.5, 0.05, "tied"), (0.0, 0.001, "tied")],
)
def test_gap_is_judged_at_five_percent(gain: float, p_value: float, verdict: Verdict) -> None:
    assert judge_gap(gain, p_value) == verdict


@pytest.mark.parametrize("pairs", [1, 3, 10, 190])
def test_smallest_bootstrap_p_can_be_significant_after_correction(pairs: int) -> None:
    assert pairs * 2 / (choose_resamples(pairs) + 1) < 0.05 / 2


def test_resampled_scores_are_paired() -> None:
    references, better, worse = np.array([0, 0, 1, 1] * 5), np.array([0, 0, 1, 1] * 5), np.array([0, 1, 1, 1] * 5)
    bootstrap = Bootstrap(resamples=200, seed=1)
    first, second = (resample_scores(np.eye(2)[ids], references, bootstrap) for ids in (better, worse))
    assert compute_bootstrap_p(first.scores["f1_macro"], second.scores["f1_macro"]) == pytest.approx(2 / 201)
