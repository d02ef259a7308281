"""Figures of leaderboards: positions, and no text is cut off or overlaps."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from hf_newscls.errors import InputError
from hf_newscls.evaluation.statistics.bootstrap import Interval
from hf_newscls.report.figures.leaderboard import Dot, Panel, plot_leaderboard
from hf_newscls.report.figures.style import save_figure

LONG = "an-organisation-of-many-words-and-letters/" + "W" * 54


def dot(name: str, score: float, *, is_verified: bool = True) -> Dot:
    return Dot(name, score, Interval(score - 0.05, score + 0.02) if is_verified else None, is_verified)


def panel(*dots: Dot, title: str = "ann/news, split 1111") -> Panel:
    return Panel(title, "Accuracy", dots)


def find_labels(figure: Figure) -> list[Bbox]:
    """Return the boxes of the model names and titles after layout."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined] # of Agg
    texts = [text for axes in figure.axes for text in (*axes.get_yticklabels(), axes.title, axes.xaxis.label)]
    texts += [axes._left_title for axes in figure.axes]  # type: ignore[attr-defined] # has no public name
    texts += figure.legends[0].get_texts() if figure.legends else []
    return [text.get_window_extent(renderer) for text in texts if text.get_text()]


def test_best_is_on_top_and_each_dot_is_at_its_score() -> None:
    figure = plot_leaderboard([panel(dot("a/best", 0.9), dot("a/worst", 0.4))])
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a/best", "a/worst"]
    assert axes.yaxis_inverted()
    drawn = [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines]  # type: ignore[index]
    assert [score for score, _ in drawn] == [0.9, 0.4]
    assert [middle for _, middle in drawn] == axes.get_yticks().tolist()


def test_intervals_are_lines_and_unverified_scores_are_hollow() -> None:
    figure = plot_leaderboard([panel(dot("a/b", 0.9), dot("a/c", 0.8, is_verified=False))])
    (axes,) = figure.axes
    (line,) = axes.collections
    assert line.get_segments()[0][:, 0].tolist() == pytest.approx([0.85, 0.92])  # type: ignore[attr-defined]
    assert [one.get_markerfacecolor() for one in axes.lines[:2]] == ["#0072B2", "white"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["verified", "not verified"]


def test_each_table_has_its_own_panel() -> None:
    figure = plot_leaderboard([panel(dot("a/b", 0.9)), panel(dot("a/c", 0.2), title="split 2222")])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["ann/news, split 1111", "split 2222"]
    assert figure.axes[0].get_xlim() != figure.axes[1].get_xlim()


@pytest.mark.parametrize(
    "panels",
    [
        [panel(*(dot(f"{LONG}{index}", 0.9 - index / 100, is_verified=index % 3 > 0) for index in range(12)))],
        [panel(dot(LONG, 0.5), dot("a/b", 0.4)), panel(dot(LONG + "x" * 40, 0.3)), panel(dot("$x_1$/<b>", 0.2))],
        [panel(dot("a/b", 0.5), title="t" * 80)],
        [panel(*(dot(f"a/{index}", 0.5) for index in range(60)))],
    ],
)
def test_no_label_is_cut_off_or_overlaps(panels: list[Panel]) -> None:
    figure = plot_leaderboard(panels)
    boxes = find_labels(figure)
    width, height = figure.get_size_inches() * figure.dpi
    assert all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height for box in boxes)
    assert not [pair for pair in itertools.combinations(boxes, 2) if pair[0].overlaps(pair[1])]


def test_wrapped_name_is_complete() -> None:
    figure = plot_leaderboard([panel(dot(LONG, 0.5))])
    (label,) = figure.axes[0].get_yticklabels()
    assert label.get_text().replace("\n", "") == LONG
    assert max(map(len, label.get_text().split("\n"))) <= 40


def test_long_table_shows_its_first_sixty() -> None:
    figure = plot_leaderboard([panel(*(dot(f"a/{index}", 0.5) for index in range(1000)))])
    assert len(figure.axes[0].get_yticks()) == 60
    assert figure.axes[0].get_title(loc="left").endswith(" (the first 60 of 1,000)")


@pytest.mark.parametrize("panels", [[], [panel()]])
def test_panel_without_models_is_refused(panels: list[Panel]) -> None:
    with pytest.raises(InputError, match=r"^panels: "):
        plot_leaderboard(panels)


def test_equal_panels_give_equal_bytes(tmp_path: Path) -> None:
    panels = [panel(dot("a/b", 0.9), dot("a/c", np.nextafter(0.9, 0)))]
    for name in ("first.png", "second.png"):
        save_figure(plot_leaderboard(panels), tmp_path / name)
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()
