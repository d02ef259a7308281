"""Draw leaderboards: a dot for each score with its interval, one panel for each table."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from hf_newscls.errors import InputError
from hf_newscls.evaluation.statistics.bootstrap import Interval
from hf_newscls.report.figures.style import BLUE, INK, NORMAL, ORANGE, SKY, SMALL, WIDTH, build_figure, style_axes

__all__ = ["Dot", "Panel", "plot_leaderboard"]

_LETTERS = 40  # of a line of a name
_LINE = 0.15  # inches
_GAP = 0.13
_MOST_DOTS = 60


@dataclass(frozen=True)
class Dot:
    """A model's score.

    Attributes:
        name: of the model.
        score: its place on the axis.
        interval: 95% interval of the score, where it is known.
        is_checked: whether the score was computed from predictions.
    """

    name: str
    score: float
    interval: Interval | None
    is_checked: bool


@dataclass(frozen=True)
class Panel:
    """The dots of one table, the best first."""

    title: str
    xlabel: str
    dots: Sequence[Dot]


def plot_leaderboard(panels: Sequence[Panel]) -> Figure:
    """Return a figure of scores with their 95% intervals, the best on top; what is only claimed is hollow.

    Long names are folded, not cut. Of a table of more than 60 models the first 60 are drawn, and its title says so.

    Args:
        panels: one above the other, each with an axis of its own.

    Raises:
        InputError: there is no panel, or one without a dot.
    """
    if not panels or not all(panel.dots for panel in panels):
        raise InputError("panels: each must hold a model, got none; leave this figure out")
    heights = [sum(_measure_height(dot) for dot in panel.dots[:_MOST_DOTS]) + 0.85 for panel in panels]
    figure = build_figure(width=WIDTH, height=sum(heights) + 0.45, title="Scores with 95% intervals, by test set")
    drawn = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)
    for axes, panel in zip(drawn[:, 0], panels, strict=True):
        _draw_panel(axes, panel)
    if any(not dot.is_checked for panel in panels for dot in panel.dots):
        handles = [_draw_dots(drawn[0, 0], [], [], is_checked=is_checked) for is_checked in (True, False)]
        figure.legend(
            handles=handles, loc="outside upper right", ncols=2, fontsize=SMALL, frameon=False, labelcolor=INK
        )
    return figure


def _draw_panel(axes: Axes, panel: Panel) -> None:
    dots = panel.dots[:_MOST_DOTS]
    more = f" (the first {len(dots)} of {len(panel.dots):,})" if len(dots) < len(panel.dots) else ""
    style_axes(axes, grid="x", xlabel=panel.xlabel, ylabel="")
    axes.set_title(f"{panel.title}{more}", loc="left", fontsize=NORMAL, color=INK, parse_math=False)
    indices = _index(dots)
    for dot, index in zip(dots, indices, strict=True):
        if dot.interval is not None:
            axes.hlines(index, dot.interval.low, dot.interval.high, color=SKY, linewidth=3)
        _draw_dots(axes, [dot.score], [index], is_checked=dot.is_checked)
    axes.set_yticks(indices, labels=[_fold(dot.name) for dot in dots], parse_math=False)
    axes.set_ylim(indices[-1] + _measure_height(dots[-1]) / 2 + 0.05, -0.05)
    axes.margins(x=0.06)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:.4g}"))


def _draw_dots(axes: Axes, scores: Sequence[float], indices: Sequence[float], *, is_checked: bool) -> Artist:
    color = BLUE if is_checked else ORANGE
    fill = color if is_checked else "white"
    name = "from predictions" if is_checked else "only claimed"
    (line,) = axes.plot(scores, indices, ls="", marker="o", markersize=6, mfc=fill, mec=color, mew=1.5, label=name)
    return line


def _index(dots: Sequence[Dot]) -> list[float]:
    """Return the middle of each name from the top, in inches."""
    indices, top = [], 0.0
    for dot in dots:
        height = _measure_height(dot)
        indices.append(top + height / 2)
        top += height
    return indices


def _measure_height(dot: Dot) -> float:
    return _GAP + _LINE * (_fold(dot.name).count("\n") + 1)


def _fold(name: str) -> str:
    """Break a long name into lines, behind its owner or wherever a line is full."""
    if len(name) <= _LETTERS:
        return name
    owner, slash, rest = name.partition("/")
    parts = [f"{owner}{slash}", rest] if slash else [name]
    return "\n".join(line for part in parts for line in textwrap.wrap(part, _LETTERS, break_on_hyphens=False))
