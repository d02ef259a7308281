"""What the figures of a news file say: axes, numbers, order and marks; not their pixels."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from hf_newscls.errors import InputError
from hf_newscls.report.figures.data import (
    plot_confused_labels,
    plot_label_lengths,
    plot_suspicious_labels,
    plot_years,
)

MANY_NAMES = [f"WELLNESS & HEALTHY LIVING {number}" for number in range(42)]
MANY_YEARS = [str(year) for year in range(2005, 2025)]


def read_names(labels: Sequence[Text]) -> list[str]:
    return [label.get_text() for label in labels]


def has_overlap(texts: Sequence[Text]) -> bool:
    boxes = [text.get_window_extent() for text in texts]
    return any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def build_figures(size: int) -> list[Figure]:
    """One of each, of so many labels."""
    names, rows = MANY_NAMES[:size], np.arange(size)
    counts = np.zeros((size, 20), dtype=np.int64)
    counts[:2] = 12_345
    pairs = [*itertools.combinations(names, 2)][:20]
    return [
        plot_years(counts, years=MANY_YEARS, label_names=names),
        plot_label_lengths(
            np.stack([rows + 1, rows + 2, rows + 9, rows + 20, rows + 400], axis=1), label_names=names, max_length=256
        ),
        plot_confused_labels(pairs, fractions=np.linspace(0.5, 0.01, 2 * len(pairs)).reshape(-1, 2)),
        plot_suspicious_labels(rows, rows + 1000, label_names=names),
    ]


@pytest.mark.parametrize("size", [2, pytest.param(42, marks=pytest.mark.slow)])
def test_texts_are_readable(size: int) -> None:
    for figure in build_figures(size):
        axes, title = figure.axes[0], figure.get_suptitle()
        figure.draw_without_rendering()
        for texts in (axes.get_xticklabels(), axes.get_yticklabels(), axes.texts):
            assert not has_overlap(texts), title
        for text in (*axes.texts, *axes.get_yticklabels()):
            box = text.get_window_extent()
            assert figure.bbox.x0 <= box.x0, (title, text)
            assert box.x1 <= figure.bbox.x1, (title, text)
        sizes = [text.get_fontsize() for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text()]
        assert min(sizes) >= 8, title


def test_years_put_labels_down_and_years_across() -> None:
    counts = np.array([[3, 0, 1], [0, 5, 0]])
    axes = plot_years(counts, years=["2019", "2020", "unknown"], label_names=["World", "Sports"]).axes[0]
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    assert cells == {(0, 0): "3", (2, 0): "1", (1, 1): "5"}
    assert read_names(axes.get_xticklabels()) == ["2019", "2020", "unknown"]
    assert read_names(axes.get_yticklabels()) == ["World", "Sports"]


def test_years_are_colored_by_the_shares_of_a_label() -> None:
    axes = plot_years(np.array([[3, 1], [0, 500]]), years=["2019", "2020"], label_names=["World", "Sports"]).axes[0]
    shown = axes.images[0].get_array()
    assert np.ma.filled(shown, -1).tolist() == [[0.75, 0.25], [-1, 1]]


def test_many_years_are_put_together() -> None:
    # 41 years from 1980 to 2020 make nine periods of five years; the unknown ones stay apart.
    years = [*(str(year) for year in range(1980, 2021)), "unknown"]
    counts = np.array([[*range(41), 7]])
    axes = plot_years(counts, years=years, label_names=["World"]).axes[0]
    names = read_names(axes.get_xticklabels())
    assert names[0] == "1980-1984"
    assert names[-2:] == ["2020-2024", "unknown"]
    assert len(names) == 10
    shown = {names[int(text.get_position()[0])]: text.get_text() for text in axes.texts}
    assert (shown["1980-1984"], shown["2020-2024"], shown["unknown"]) == (str(1 + 2 + 3 + 4), "40", "7")


@pytest.mark.parametrize(("count", "text"), [(9999, "9999"), (12_345, "12k"), (999_400, "999k"), (2_000_000, "2M")])
def test_counts_are_short(count: int, text: str) -> None:
    axes = plot_years(np.array([[count]]), years=["2020"], label_names=["World"]).axes[0]
    assert [shown.get_text() for shown in axes.texts] == [text]


def test_lengths_are_sorted_by_the_median() -> None:
    quantiles = np.array([[1, 2, 3, 4, 5], [10, 20, 30, 40, 50]])
    axes = plot_label_lengths(quantiles, label_names=["short", "long"], max_length=32).axes[0]
    assert read_names(axes.get_yticklabels()) == ["long", "short"]
    (medians,) = [line for line in axes.lines if line.get_marker() == "o"]
    assert np.asarray(medians.get_xydata()).tolist() == [[30, 0], [3, 1]]
    outer, inner = axes.collections
    assert [segment[:, 0].tolist() for segment in outer.get_segments()] == [[10, 50], [1, 5]]
    assert [segment[:, 0].tolist() for segment in inner.get_segments()] == [[20, 40], [2, 4]]


@pytest.mark.parametrize(("max_length", "marks"), [(32, ["max_length 32"]), (75, ["max_length 75"]), (76, [])])
def test_lengths_show_the_limit_in_sight(max_length: int, marks: list[str]) -> None:
    figure = plot_label_lengths(np.array([[1, 2, 3, 4, 50]]), label_names=["A"], max_length=max_length)
    assert [text.get_text() for text in figure.axes[0].texts] == marks


def test_confused_labels_stack_both_shares() -> None:
    fractions = np.array([[0.4, 0.2], [0.1, 0.0]])
    axes = plot_confused_labels([("A", "B"), ("C", "D")], fractions=fractions).axes[0]
    bars = [(round(bar.get_y() + bar.get_height() / 2), bar.get_x(), bar.get_width()) for bar in axes.patches]
    assert np.array(bars) == pytest.approx(np.array([(0, 0, 0.4), (1, 0, 0.1), (0, 0.4, 0.2), (1, 0.1, 0)]))
    assert [text.get_text().strip() for text in axes.texts] == ["40% + 20%", "10% + 0%"]
    assert axes.yaxis_inverted(), "the first pair must be on top"


def test_suspicious_labels_are_sorted_by_share() -> None:
    axes = plot_suspicious_labels(np.array([5, 4]), np.array([100, 40]), label_names=["A", "B"]).axes[0]
    assert read_names(axes.get_yticklabels()) == ["B", "A"]
    assert [bar.get_width() for bar in axes.patches] == [0.1, 0.05]
    assert [text.get_text() for text in axes.texts] == ["4 of 40", "5 of 100"]


def test_no_suspicious_label_can_be_drawn() -> None:
    figure = plot_suspicious_labels(np.zeros(2, dtype=np.int64), np.array([3, 0]), label_names=["A", "B"])
    assert figure.get_suptitle() == "Suspicious labels: 0 of 3 rows"


@pytest.mark.parametrize(
    ("plot", "arguments", "settings"),
    [
        (plot_years, [np.zeros((1, 2), int)], {"years": ["2020"], "label_names": ["A"]}),
        (plot_years, [np.zeros((1, 0), int)], {"years": [], "label_names": ["A"]}),
        (plot_label_lengths, [np.zeros((1, 4), int)], {"label_names": ["A"], "max_length": 8}),
        (plot_confused_labels, [[]], {"fractions": np.zeros((0, 2))}),
        (plot_suspicious_labels, [np.zeros(1, int), np.zeros(2, int)], {"label_names": ["A"]}),
    ],
)
def test_another_shape_is_refused(plot: Any, arguments: list[Any], settings: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"must have shape .*, got .*; "):
        plot(*arguments, **settings)
