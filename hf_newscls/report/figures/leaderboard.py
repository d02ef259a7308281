"""Draw leaderboards: a dot for each score with its interval, one panel for each table."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from hf_newscls.errors import InputError
from hf_newscls.evaluation.statistics.bootstrap import Interval
from hf_newscls.report.figures import style
from hf_newscls.report.figures.fonts import replace_missing

_LETTERS = 40  # per line of a name
_LINE, _GAP = 0.15, 0.13  # inches, of a line and between names
_MAX_DOTS = 60


@dataclass(frozen=True)
class Dot:
    """A model's score, with its 95% interval if known, and whether it was computed from predictions."""

    name: str
    score: float
    interval: Interval | None
    is_verified: bool


@dataclass(frozen=True)
class Panel:
    """The dots of one table, the best first."""

    title: str
    xlabel: str
    dots: Sequence[Dot]


def plot_leaderboard(panels: Sequence[Panel]) -> Figure:
    """Return a figure of scores with their 95% intervals, the best on top; unverified scores are hollow.

    Long names are wrapped, not cut. Only the first 60 models of a table are drawn; its title says so.

    Raises:
        InputError: there is no panel, or one without a dot.
    """
    if not panels or not all(panel.dots for panel in panels):
        sizes = [len(panel.dots) for panel in panels]
        raise InputError(f"panels: {sizes!r} models; a leaderboard needs at least one panel, each with a model")
    heights = [sum(_measure_height(dot) for dot in panel.dots[:_MAX_DOTS]) + 0.85 for panel in panels]
    figure = style.build_figure(height=sum(heights) + 0.45, title="Scores with 95% intervals, by test set")
    drawn = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)
    for axes, panel in zip(drawn[:, 0], panels, strict=True):
        _draw_panel(axes, panel)
    if any(not dot.is_verified for panel in panels for dot in panel.dots):
        handles = [_draw_dots(drawn[0, 0], [], [], is_verified=is_verified) for is_verified in (True, False)]
        style.add_legend(figure, handles)
    return figure


def _draw_panel(axes: Axes, panel: Panel) -> None:
    dots = panel.dots[:_MAX_DOTS]
    more = f" (the first {len(dots)} of {len(panel.dots):,})" if len(dots) < len(panel.dots) else ""
    style.format_axes(axes, grid="x", xlabel=panel.xlabel)
    axes.set_title(
        replace_missing(f"{panel.title}{more}"), loc="left", fontsize=style.NORMAL, color=style.INK, parse_math=False
    )
    heights = np.array([_measure_height(dot) for dot in dots])
    middles = np.cumsum(heights) - heights / 2
    for dot, middle in zip(dots, middles, strict=True):
        if dot.interval is not None:
            axes.hlines(middle, dot.interval.low, dot.interval.high, color=style.SKY, linewidth=3)
        _draw_dots(axes, [dot.score], [middle], is_verified=dot.is_verified)
    axes.set_yticks(middles, labels=[_wrap(dot.name) for dot in dots], parse_math=False)
    axes.set_ylim(heights.sum() + 0.05, -0.05)
    axes.margins(x=0.06)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:.4g}"))


def _draw_dots(axes: Axes, scores: Sequence[float], rows: Sequence[float], *, is_verified: bool) -> Artist:
    color = style.BLUE if is_verified else style.ORANGE
    fill = color if is_verified else "white"
    name = "verified" if is_verified else "not verified"
    (line,) = axes.plot(scores, rows, ls="", marker="o", markersize=6, mfc=fill, mec=color, mew=1.5, label=name)
    return line


def _measure_height(dot: Dot) -> float:
    return _GAP + _LINE * (_wrap(dot.name).count("\n") + 1)


def _wrap(name: str) -> str:
    """Break a long name into lines, after its owner and wherever a line is full."""
    name = replace_missing(name)
    if len(name) <= _LETTERS:
        return name
    owner, slash, rest = name.partition("/")
    parts = [f"{owner}{slash}", rest] if slash else [name]
    return "\n".join(line for part in parts for line in textwrap.wrap(part, _LETTERS, break_on_hyphens=False))
