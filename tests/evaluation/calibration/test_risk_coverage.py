"""Accuracy of the most confident rows, worked by hand."""

import numpy as np
import pytest

from hf_newscls.evaluation.calibration.risk_coverage import compute_risk_coverage

# By confidence: right, wrong, right, right.
PROBABILITIES = [[0.6, 0.4], [0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]
REFERENCES = [0, 1, 1, 1]


def test_curve_worked_by_hand() -> None:
    curve = compute_risk_coverage(PROBABILITIES, REFERENCES)
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
    assert compute_risk_coverage(PROBABILITIES, REFERENCES).find_accuracy(fraction) == pytest.approx(expected)
