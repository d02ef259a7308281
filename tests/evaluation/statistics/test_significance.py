"""Scores of two models on the same draws, and paired tests, with p-values worked by hand."""

import itertools
from math import comb

import numpy as np
import pytest
from numpy.typing import NDArray

from hf_newscls.evaluation.statistics.bootstrap import Bootstrap, Interval, resample_scores, to_interval
from hf_newscls.evaluation.statistics.significance import (
    DrawnScore,
    DrawnScores,
    ScorePair,
    Verdict,
    choose_resamples,
    compare_scores,
    compute_bootstrap_p,
    compute_mcnemar_p,
    draw_scores,
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
    bootstrap = Bootstrap(resamples=200, seed=1, is_stratified=False)
    first, second = (resample_scores(np.eye(2)[ids], references, bootstrap).scores for ids in (better, worse))
    own, other = (draw_scores(np.eye(2)[ids], references, bootstrap).by_metric for ids in (better, worse))
    pair = compare_scores(own["f1_macro"], other["f1_macro"])
    assert pair.gain == to_interval(first["f1_macro"] - second["f1_macro"])
    assert pair.gain.low > 0
    assert pair.p_value == pytest.approx(2 / 201)


REFERENCES = np.array([0, 0, 1, 1, 2, 2])


def draw(labels: list[int], **options: NDArray[np.int64]) -> DrawnScores:
    probabilities = np.eye(3)[labels] * 0.8 + 0.2 / 3
    return draw_scores(probabilities, REFERENCES, Bootstrap(resamples=300, seed=3, top_k=[2], **options))


def test_values_are_of_all_rows() -> None:
    drawn = draw([0, 1, 1, 1, 0, 2])
    assert drawn.by_metric["accuracy"].value == pytest.approx(4 / 6)
    # Label 0: 1 hit, 2 predictions, 2 rows; label 1: 2 hits, 3 predictions, 2 rows; label 2: 1 hit, 1 prediction.
    assert [score.value for score in drawn.by_label] == pytest.approx([2 / 4, 4 / 5, 2 / 3])
    assert drawn.average_f1([0, 2]).value == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert "calibration_error" not in drawn.by_metric
    assert "top_2_accuracy" in drawn.by_metric


def test_models_with_equal_references_are_scored_on_equal_draws() -> None:
    right, wrong = draw([0, 0, 1, 1, 2, 2]), draw([1, 1, 2, 2, 0, 0])
    assert (right.is_counted == wrong.is_counted).all()
    total = right.by_metric["accuracy"].draws + wrong.by_metric["accuracy"].draws
    assert total == pytest.approx(np.ones(300))


def test_mean_f1_of_a_draw_leaves_labels_without_rows_out() -> None:
    drawn = draw([0, 0, 1, 1, 2, 2])
    is_missing = ~drawn.is_counted[:, 2]
    # Two of six rows have label 2: a draw misses it with a chance of (2/3)^6, about 26 of 300.
    assert 10 < is_missing.sum() < 50
    assert drawn.average_f1([1, 2]).draws[is_missing & drawn.is_counted[:, 1]] == pytest.approx(1)


def test_comparison_is_own_minus_other() -> None:
    own, other = DrawnScore(0.9, np.array([0.75, 1.0, 0.5])), DrawnScore(0.4, np.array([0.5, 0.75, 0.25]))
    # No draw favors the other model: p = 2 * (0 + 1) / (3 + 1).
    assert compare_scores(own, other) == ScorePair(0.9, 0.4, Interval(0.25, 0.25), 0.5)
    assert compare_scores(other, own) == ScorePair(0.4, 0.9, Interval(-0.25, -0.25), 0.5)
