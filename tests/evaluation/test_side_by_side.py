"""Two models on the same rows: scores worked by hand, which labels are rare, and what a gain's interval says."""

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hf_newscls.evaluation.resampling import Bootstrap, resample_scores
from hf_newscls.evaluation.side_by_side import OtherAnswers, SideBySide, build_side_by_side

BOOTSTRAP = Bootstrap(resamples=200, seed=17)


def answer(labels: list[int], *, size: int) -> NDArray[np.float32]:
    return np.eye(size, dtype=np.float32)[labels]


def build(own: list[int], other: list[int], references: list[int], *, train_counts: list[int]) -> SideBySide:
    size = len(train_counts)
    probabilities, expected = answer(own, size=size), np.asarray(references)
    return build_side_by_side(
        (probabilities, resample_scores(probabilities, expected, BOOTSTRAP)),
        OtherAnswers("plain", answer(other, size=size)),
        expected,
        train_counts=np.asarray(train_counts),
        label_names=[f"label {place}" for place in range(size)],
        bootstrap=BOOTSTRAP,
    )


@pytest.fixture
def beside() -> SideBySide:
    """Four rows of labels 0, 0, 1, 2; label 3 has no test row and the fewest training rows."""
    return build([0, 0, 1, 1], [0, 0, 0, 2], [0, 0, 1, 2], train_counts=[10, 2, 1, 0])


def test_scores_are_those_worked_by_hand(beside: SideBySide) -> None:
    accuracy, f1 = beside.scores["accuracy"], beside.scores["f1_macro"]
    assert (accuracy.own, accuracy.other) == (0.75, 0.75)
    # F1 of ours 1, 2/3, 0, of the other 4/5, 0, 1; the label without rows counts 0 in both.
    assert (f1.own, f1.other) == pytest.approx((5 / 12, 9 / 20))


def test_labels_with_test_rows_stand_rarest_first(beside: SideBySide) -> None:
    found = [(label.name, label.train_rows, label.test_rows) for label in beside.rare_labels]
    assert found == [("label 2", 1, 1), ("label 1", 2, 1), ("label 0", 10, 2)]
    pairs = [value for label in beside.rare_labels for value in (label.f1.own, label.f1.other)]
    assert pairs == pytest.approx([0, 1, 2 / 3, 0, 1, 4 / 5])
    assert (beside.rare_f1.own, beside.rare_f1.other) == pytest.approx((5 / 9, 3 / 5))


def test_ten_labels_are_shown_at_most() -> None:
    labels = [*range(12)] * 2
    beside = build(labels, labels, labels, train_counts=[*range(30, 18, -1)])
    assert [label.train_rows for label in beside.rare_labels] == [*range(19, 29)]


def test_equal_answers_gain_nothing_and_better_ones_gain_beyond_chance() -> None:
    references = [0, 1] * 40
    wrong = [1 - label if place < 30 else label for place, label in enumerate(references)]
    same, better = (build(own, wrong, references, train_counts=[50, 5]) for own in (wrong, references))
    for pair in (*same.scores.values(), same.rare_f1, *(label.f1 for label in same.rare_labels)):
        assert pair.own == pair.other
        assert (pair.gain.low, pair.gain.high) == (0, 0)
    for pair in (*better.scores.values(), better.rare_f1, *(label.f1 for label in better.rare_labels)):
        assert pair.own == 1
        assert 0 < pair.gain.low < 1 - pair.other < pair.gain.high


def test_it_survives_json(beside: SideBySide) -> None:
    content: Any = json.loads(json.dumps(beside.to_dict()))
    assert SideBySide.from_dict(content) == beside
