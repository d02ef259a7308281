"""What the figures of a search show: trials, the best so far, and the order of the keys."""

import pytest

from hf_newscls.report.figures.search import plot_importances, plot_trials
from tests.report.figures.figure_parts import read_names


@pytest.mark.parametrize(("lower_is_better", "best"), [(True, [0.5, 0.4, 0.4]), (False, [0.5, 0.5, 0.6])])
def test_best_so_far_follows_the_direction_of_the_score(lower_is_better: bool, best: list[float]) -> None:
    figure = plot_trials([0, 2, 5], [0.5, 0.4, 0.6], name="Log loss", lower_is_better=lower_is_better)
    trials, so_far = figure.axes[0].lines
    assert [*trials.get_xdata()] == [0, 2, 5]
    assert [*trials.get_ydata()] == [0.5, 0.4, 0.6]
    assert [*so_far.get_ydata()] == best


def test_most_important_key_is_on_top() -> None:
    axes = plot_importances({"model.head": 0.2, "training_arguments.learning_rate": 0.8}).axes[0]
    assert read_names(axes.get_yticklabels()) == ["training_arguments.learning_rate", "model.head"]
    assert [bar.get_width() for bar in axes.patches] == [0.8, 0.2]
