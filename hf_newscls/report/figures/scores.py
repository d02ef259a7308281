"""Draw scores with their intervals: of the model next to simpler classifiers, and of each label."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hf_newscls.evaluation.baselines.comparison import Comparison
from hf_newscls.evaluation.metric_names import HEADLINE_METRICS, name_metric
from hf_newscls.evaluation.metrics import LabelScores
from hf_newscls.evaluation.statistics.bootstrap import Interval
from hf_newscls.report.figures import style

_TITLES = {metric: name_metric(metric) for metric in HEADLINE_METRICS}


def plot_comparisons(
    scores: Mapping[str, float], intervals: Mapping[str, Interval], comparisons: Mapping[str, Comparison]
) -> Figure:
    """Return a figure of accuracy and macro F1 with intervals: the model on top, then baselines, then probes."""
    names = ["this model", *comparisons]
    colors = [style.BLUE, *(style.GREY if one.kind == "baseline" else style.ORANGE for one in comparisons.values())]
    figure = style.build_figure(height=style.LINE * len(names) + 1.2, title="Test scores with 95% intervals")
    for axes, (metric, title) in zip(figure.subplots(1, 2, sharey=True), _TITLES.items(), strict=True):
        style.format_axes(axes, grid="x", xlabel=title, percent="x")
        values = [scores[metric], *(one.scores[metric] for one in comparisons.values())]
        ends = [intervals[metric], *(one.intervals.get(metric) for one in comparisons.values())]
        axes.axvline(values[0], color=style.BLUE, linewidth=0.8, linestyle=":")
        _draw_intervals(axes, values, ends, colors=colors)
        style.name_rows(axes, names)
    return figure


def plot_label_scores(scores: LabelScores, intervals: Mapping[str, Interval]) -> Figure:
    """Return a figure of each label's F1 as a bar with its interval, the best on top, ties in label order.

    Labels without test rows are left out.
    """
    kept = {name: one for name, one in scores.items() if one["support"]}
    names = sorted(kept, key=lambda name: -kept[name]["f1"])
    values = [kept[name]["f1"] for name in names]
    figure = style.build_figure(height=style.LINE * len(names) + 1.2, title="F1 per label with 95% intervals")
    axes = style.format_axes(
        figure.add_subplot(), grid="x", xlabel="F1 (number of test rows in parentheses)", percent="x"
    )
    axes.barh(range(len(names)), values, height=0.7, color=style.SKY)
    _draw_intervals(axes, values, [intervals[name] for name in names], colors=[style.BLUE] * len(names))
    style.name_rows(axes, names, counts=[int(kept[name]["support"]) for name in names])
    return figure


def _draw_intervals(
    axes: Axes, values: Sequence[float], intervals: Sequence[Interval | None], *, colors: Sequence[str]
) -> None:
    """Draw a point with its interval, if any, on each row, and the value in percent to the right."""
    for row, (value, interval, color) in enumerate(zip(values, intervals, colors, strict=True)):
        low, high = interval or (value, value)
        axes.hlines(row, low, high, color=color, linewidth=2)
        axes.plot(value, row, color=color, marker="o", markersize=5)
        right = max(high, value) + 0.03
        axes.text(right, row, f"{100 * value:.1f}", color=style.INK, fontsize=style.SMALL, va="center")
    axes.set_xlim(0, 1.12)
