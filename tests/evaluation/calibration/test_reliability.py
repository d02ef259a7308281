"""Bins of equal mass, their gaps, and the accuracy of the most confident rows, worked by hand."""

import numpy as np
import pytest

from hf_newscls.evaluation.calibration.reliability import (
    Reliability,
    assign_bins,
    compute_reliability,
    compute_risk_coverage,
)

# Confidences 0.9, 0.8, 0.6 and 0.5; the first and the third are right.
PROBABILITIES = [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.5, 0.5]]
REFERENCES = [0, 0, 0, 1]


def test_bins_worked_by_hand() -> None:
    found = compute_reliability(PROBABILITIES, REFERENCES, bins=2)
    assert found.rows.tolist() == [2, 2]
    assert found.confidence == pytest.approx([0.55, 0.85])
    assert found.accuracy.tolist() == [0.5, 0.5]
    # Gaps of 0.05 and 0.35, two rows each.
    assert found.error == pytest.approx(0.2)


def test_error_of_one_bin_is_the_gap_of_the_means() -> None:
    assert compute_reliability(PROBABILITIES, REFERENCES, bins=1).error == pytest.approx(0.7 - 0.5)


def test_confident_and_right_has_error_zero() -> None:
    assert compute_reliability(np.eye(3), [0, 1, 2]).error == 0


def test_confident_and_wrong_has_error_one() -> None:
    assert compute_reliability(np.eye(3), [1, 2, 0]).error == 1


@pytest.mark.parametrize("rows", [15, 16, 100, 1000])
def test_bins_are_equal_in_size(rows: int) -> None:
    sizes = np.bincount(assign_bins(np.random.default_rng(rows).random(rows), bins=15))
    assert len(sizes) == 15
    assert sizes.max() - sizes.min() <= 1


def test_equal_values_are_in_the_same_bin() -> None:
    assert assign_bins(np.array([0.5, 0.7, 0.5, 0.5]), bins=4).tolist() == [0, 3, 0, 0]


def test_order_of_the_rows_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    probabilities, references = rng.dirichlet(np.ones(3), size=90).round(1) + 1e-9, rng.integers(0, 3, size=90)
    order = rng.permutation(90)
    shuffled = compute_reliability(probabilities[order], references[order])
    assert shuffled.error == pytest.approx(compute_reliability(probabilities, references).error)


# By confidence: right, wrong, right, right.
CURVE = [[0.6, 0.4], [0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]
CURVE_LABELS = [0, 1, 1, 1]


def test_curve_worked_by_hand() -> None:
    curve = compute_risk_coverage(CURVE, CURVE_LABELS)
    assert curve.fractions.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert curve.accuracy == pytest.approx([1, 1 / 2, 2 / 3, 3 / 4])
    assert curve.confidence.tolist() == [0.9, 0.8, 0.7, 0.6]


def test_curve_ends_with_the_accuracy_of_all_rows() -> None:
    rng = np.random.default_rng(1)
    probabilities, references = rng.dirichlet(np.ones(3), size=777), rng.integers(0, 3, 777)
    curve = compute_risk_coverage(probabilities, references)
    assert len(curve.fractions) == 50
    assert curve.fractions[-1] == 1
    assert curve.accuracy[-1] == pytest.approx(np.mean(probabilities.argmax(axis=1) == references))


def test_rows_of_equal_confidence_are_answered_together() -> None:
    curve = compute_risk_coverage([[0.9, 0.1], [0.7, 0.3], [0.7, 0.3], [0.7, 0.3]], [0, 0, 1, 1])
    assert curve.fractions.tolist() == [0.25, 1.0]
    assert curve.accuracy.tolist() == [1.0, 0.5]


@pytest.mark.parametrize(("fraction", "expected"), [(0.5, 1 / 2), (0.3, 1.0), (1.0, 3 / 4)])
def test_nearest_point_is_found(fraction: float, expected: float) -> None:
    _, accuracy = compute_risk_coverage(CURVE, CURVE_LABELS).find_point(fraction)
    assert accuracy == pytest.approx(expected)


def test_nearest_point_has_its_own_coverage() -> None:
    # Eight of ten rows are equally confident, so none of the points is at the half.
    probabilities = [[1.0, 0.0]] * 8 + [[0.6, 0.4]] * 2
    assert compute_risk_coverage(probabilities, [0] * 9 + [1]).find_point(0.5) == pytest.approx((0.8, 1.0))


@pytest.mark.parametrize(
    ("rows", "confidence", "verdict"),
    [
        # The margin at a confidence of 0.9 is 0.059 for 100 rows and 0.0059 for 10,000.
        (100, 0.9, "neither overconfident nor underconfident on average"),
        (10_000, 0.9, "overconfident"),
        (10_000, 0.84, "underconfident"),
        (10, 1.0, "overconfident"),
    ],
)
def test_verdict_allows_for_the_sampling_error(rows: int, confidence: float, verdict: str) -> None:
    found = Reliability(np.array([rows]), np.array([confidence]), np.array([0.86]))
    assert found.mean_confidence == pytest.approx(confidence)
    assert found.mean_accuracy == pytest.approx(0.86)
    assert found.verdict == verdict
