"""Draw scores with their intervals: of the model beside simpler classifiers, and of each label."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from hf_newscls.evaluation.baselines.comparison import Comparison
from hf_newscls.evaluation.metrics import LabelScores
from hf_newscls.evaluation.statistics.bootstrap import Interval
from hf_newscls.report.figures.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    SKY,
    SMALL,
    WIDTH,
    build_figure,
    shorten_name,
    style_axes,
)

__all__ = ["plot_comparisons", "plot_label_scores"]

_LINE = 0.26  # inches of a line
_TITLES = {"accuracy": "Accuracy", "f1_macro": "Macro F1"}


def plot_comparisons(
    scores: Mapping[str, float], intervals: Mapping[str, Interval], comparisons: Mapping[str, Comparison]
) -> Figure:
    """Return a figure of accuracy and macro F1 with intervals: the model on top, then baselines, then probes.

    Args:
        scores: of the model.
        intervals: of its scores.
        comparisons: by name, in their order.
    """
    names = ["this model", *comparisons]
    colors = [BLUE, *(GREY if one.kind == "baseline" else ORANGE for one in comparisons.values())]
    figure = build_figure(
        width=WIDTH, height=_LINE * len(names) + 1.2, title="Scores on the test set, with 95% intervals"
    )
    shared = None
    for index, (metric, title) in enumerate(_TITLES.items(), start=1):
        shared = figure.add_subplot(1, 2, index, sharey=shared)
        axes = style_axes(shared, grid="x", xlabel=title, ylabel="")
        values = [scores[metric], *(one.scores[metric] for one in comparisons.values())]
        ends = [intervals[metric], *(one.intervals[metric] for one in comparisons.values())]
        _draw_intervals(axes, values, ends, colors=colors)
        axes.axvline(values[0], color=BLUE, linewidth=0.8, linestyle=":")
        axes.set_yticks(range(len(names)), labels=[shorten_name(name) for name in names], parse_math=False)
        axes.tick_params(labelleft=index == 1)
        axes.set(xlim=(0, 1.12), ylim=(len(names) - 0.4, -0.6))
    return figure


def plot_label_scores(scores: LabelScores, intervals: Mapping[str, Interval]) -> Figure:
    """Return a figure of each label's F1 as a bar with its interval, the best on top, ties in label order.

    Args:
        scores: by label, as `compute_label_scores` returns them; a label without test rows is left out.
        intervals: of F1, by label.
    """
    kept = {name: one for name, one in scores.items() if one["support"]}
    names = sorted(kept, key=lambda name: -kept[name]["f1"])
    figure = build_figure(width=WIDTH, height=_LINE * len(names) + 1.2, title="F1 of each label, with 95% intervals")
    axes = style_axes(figure.add_subplot(), grid="x", xlabel="F1", ylabel="")
    values = [kept[name]["f1"] for name in names]
    axes.barh(range(len(names)), values, height=0.7, color=SKY)
    _draw_intervals(axes, values, [intervals[name] for name in names], colors=[BLUE] * len(names))
    labels = [f"{shorten_name(name)} ({kept[name]['support']:,})" for name in names]
    axes.set_yticks(range(len(names)), labels=labels, parse_math=False)
    axes.set(xlim=(0, 1.12), ylim=(len(names) - 0.4, -0.6))
    return figure


def _draw_intervals(
    axes: Axes, values: Sequence[float], intervals: Sequence[Interval], *, colors: Sequence[str]
) -> None:
    """Draw a point with its interval on each line, and the value in percent to the right."""
    for index, (value, interval, color) in enumerate(zip(values, intervals, colors, strict=True)):
        axes.hlines(index, interval.low, interval.high, color=color, linewidth=2)
        axes.plot(value, index, color=color, marker="o", markersize=5)
        right = max(interval.high, value) + 0.03
        axes.text(right, index, f"{100 * value:.1f}", color=INK, fontsize=SMALL, va="center")
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
