"""Scores of two models on the same draws."""

import numpy as np
import pytest
from numpy.typing import NDArray

from hf_newscls.evaluation.statistics.bootstrap import Bootstrap, Interval
from hf_newscls.evaluation.statistics.paired import DrawnScore, DrawnScores, ScorePair, compare_scores, draw_scores

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
