"""What the figures of scores show: names, values, order."""

import pytest
from matplotlib.axes import Axes

from hf_newscls.evaluation.baselines.comparison import Comparison
from hf_newscls.evaluation.statistics.bootstrap import Interval
from hf_newscls.report.figures.scores import plot_comparisons, plot_label_scores

SCORES = {"accuracy": 0.8, "f1_macro": 0.7}
INTERVALS = {name: Interval(value - 0.05, value + 0.05) for name, value in SCORES.items()}
LOW = {"accuracy": 0.3, "f1_macro": 0.1}
LESS = Comparison("probe", LOW, {name: Interval(value - 0.02, value + 0.02) for name, value in LOW.items()}, {})


def read_ticks(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def test_model_is_above_its_baselines() -> None:
    accuracy, f1 = plot_comparisons(SCORES, INTERVALS, {"text length only": LESS}).axes
    assert read_ticks(accuracy) == ["this model", "text length only"]
    assert accuracy.yaxis_inverted()
    assert [text.get_text() for text in accuracy.texts] == ["80.0", "30.0"]
    assert [text.get_text() for text in f1.texts] == ["70.0", "10.0"]
    ends = [tuple(line.get_segments()[0][:, 0]) for line in accuracy.collections]
    assert ends == [pytest.approx((0.75, 0.85)), pytest.approx((0.28, 0.32))]


def test_score_without_interval_is_a_point() -> None:
    accuracy, _ = plot_comparisons(SCORES, INTERVALS, {"majority class": Comparison("baseline", LOW, {}, {})}).axes
    assert [tuple(line.get_segments()[0][:, 0]) for line in accuracy.collections][1] == (0.3, 0.3)
    assert accuracy.texts[1].get_text() == "30.0"


def test_best_label_is_on_top_and_one_without_rows_is_left_out() -> None:
    scores = {
        name: {"precision": 0.0, "recall": 0.0, "f1": f1, "support": support}
        for name, f1, support in (("A", 0.5, 10), ("B", 0.9, 2000), ("C", 0.0, 0))
    }
    (axes,) = plot_label_scores(scores, {name: Interval(0.4, 0.95) for name in scores}).axes
    assert read_ticks(axes) == ["B (2,000)", "A (10)"]
    assert [bar.get_width() for bar in axes.patches] == [0.9, 0.5]
