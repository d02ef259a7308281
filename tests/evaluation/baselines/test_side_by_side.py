"""Two models on the same rows: scores worked by hand, the rare labels, and the verdicts."""

import json
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import TypeAdapter

from hf_newscls.evaluation.baselines.side_by_side import OtherPredictions, SideBySide, build_side_by_side
from hf_newscls.evaluation.statistics.bootstrap import Bootstrap, Interval
from hf_newscls.evaluation.statistics.significance import ScorePair

ADAPTER = TypeAdapter(SideBySide)
LABELS = 12
# Label 0 has the most training rows, label 11 none.
TRAIN_COUNTS = [*range(110, -1, -10)]


def build(
    own: list[int], other: list[int], references: list[int], *, train_counts: list[int], groups: Any = None
) -> SideBySide:
    size = len(train_counts)
    return build_side_by_side(
        OtherPredictions("plain", "20260102-030405", {"loss.tau": (None, 1.0)}, predict(other, size=size)),
        predict(own, size=size),
        np.asarray(references),
        train_counts=np.asarray(train_counts),
        label_names=[f"label {index}" for index in range(size)],
        bootstrap=Bootstrap(resamples=200, seed=17, groups=groups),
    )


def predict(labels: list[int], *, size: int) -> NDArray[np.float32]:
    return np.eye(size, dtype=np.float32)[labels]


@pytest.fixture
def pair() -> SideBySide:
    """Four rows, of labels 0, 0, 9 and 10, in twelve labels."""
    return build([0, 0, 9, 9], [0, 0, 0, 10], [0, 0, 9, 10], train_counts=TRAIN_COUNTS)


def test_scores_are_those_worked_by_hand(pair: SideBySide) -> None:
    accuracy, f1 = pair.scores["accuracy"], pair.scores["f1_macro"]
    assert (accuracy.own, accuracy.other) == (0.75, 0.75)
    # F1 of our model 1, 2/3, 0, of the other 4/5, 0, 1; the nine labels without rows count as 0 in both.
    assert (f1.own, f1.other) == pytest.approx((5 / 36, 9 / 60))


def test_rarest_label_with_test_rows_comes_first(pair: SideBySide) -> None:
    found = [(label.name, label.train_rows, label.test_rows) for label in pair.rare_labels]
    assert found == [("label 10", 10, 1), ("label 9", 20, 1), ("label 0", 110, 2)]
    values = [value for label in pair.rare_labels for value in (label.f1.own, label.f1.other)]
    assert values == pytest.approx([0, 1, 2 / 3, 0, 1, 4 / 5])
    rare = pair.scores["f1_rare"]
    assert (rare.own, rare.other) == pytest.approx((5 / 9, 3 / 5))


def test_at_most_ten_labels_are_rare_and_ties_go_by_label_order() -> None:
    labels = [*range(LABELS)] * 2
    pair = build(labels, labels, labels, train_counts=[7, *[5] * 11])
    assert [label.name for label in pair.rare_labels] == [f"label {index}" for index in range(1, 11)]


def test_with_ten_labels_all_are_listed_without_a_mean() -> None:
    labels = [*range(10)] * 2
    pair = build(labels, labels, labels, train_counts=[*range(10)])
    assert [label.train_rows for label in pair.rare_labels] == [*range(10)]
    assert [*pair.scores] == ["accuracy", "f1_macro"]


@pytest.mark.parametrize(
    ("gain", "verdict"),
    [
        (Interval(0.01, 0.02), "significantly better"),
        (Interval(-0.02, -0.01), "significantly worse"),
        (Interval(0.0, 0.02), "no significant difference"),
        (Interval(-0.02, 0.0), "no significant difference"),
    ],
)
def test_verdict_follows_the_interval(gain: Interval, verdict: str) -> None:
    assert ScorePair(0.5, 0.5, gain).verdict == verdict


@pytest.mark.parametrize("articles", [1, 2, 8])
def test_labels_with_one_or_two_articles_decide_nothing(articles: int) -> None:
    # Only our model gets label 11 right, which adds to macro F1 in every draw that has a row of it: all but one in
    # e, e^2 and e^8 draws.
    references = [11] * articles + [0] * 200
    pair = build(references, [0] * len(references), references, train_counts=TRAIN_COUNTS)
    for gain in (pair.scores["f1_macro"].gain, pair.scores["f1_rare"].gain, pair.rare_labels[0].f1.gain):
        assert (gain.low > 0) == (articles == 8)
        assert gain.high > 0


def test_rows_of_the_same_article_are_drawn_together() -> None:
    references = [11] * 8 + [0] * 200
    groups = np.asarray([0] * 8 + [*range(1, 201)])
    pair = build(references, [0] * len(references), references, train_counts=TRAIN_COUNTS, groups=groups)
    assert pair.rare_labels[0].f1.gain.low == 0


def test_equal_predictions_gain_nothing_and_better_predictions_gain_beyond_chance() -> None:
    references = [0, 1] * 40
    wrong = [1 - label if index < 30 else label for index, label in enumerate(references)]
    same, better = (build(own, wrong, references, train_counts=TRAIN_COUNTS) for own in (wrong, references))
    for found in (*same.scores.values(), *(label.f1 for label in same.rare_labels)):
        assert (found.own, found.gain.low, found.gain.high) == (found.other, 0, 0)
    for found in (*better.scores.values(), *(label.f1 for label in better.rare_labels)):
        assert 0 < found.gain.low < found.own - found.other < found.gain.high


def test_json_round_trip(pair: SideBySide) -> None:
    content: Any = json.loads(json.dumps(ADAPTER.dump_python(pair, mode="json", by_alias=True)))
    assert ADAPTER.validate_python(content) == pair
    assert (content["recipe"], content["run"], content["differences"]) == (
        "plain",
        "20260102-030405",
        {"loss.tau": [None, 1.0]},
    )
    gain = pair.scores["accuracy"].gain
    assert content["scores"]["accuracy"]["gain"] == [gain.low, gain.high]


def test_report_of_version_0_1_has_no_p_values(pair: SideBySide) -> None:
    content = ADAPTER.dump_python(pair, mode="json", by_alias=True)
    for score in (*content["scores"].values(), *(label["f1"] for label in content["rare_labels"])):
        del score["p_value"]
    found = ADAPTER.validate_python(content)
    assert math.isnan(found.scores["accuracy"].p_value)
    assert found.scores["accuracy"].gain == pair.scores["accuracy"].gain


def test_p_value_counts_the_draws_without_a_gain() -> None:
    references = [0, 1] * 40
    wrong = [1 - label for label in references]
    pair = build(references, wrong, references, train_counts=TRAIN_COUNTS)
    # The gain is positive in all 200 draws: 2 * (0 + 1) / (200 + 1).
    assert pair.scores["accuracy"].p_value == pytest.approx(2 / 201)
    assert build(wrong, wrong, references, train_counts=TRAIN_COUNTS).scores["accuracy"].p_value == 1.0
