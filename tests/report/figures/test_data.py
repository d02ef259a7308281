"""What the figures of a news file show: axes, numbers, order and marks; not their pixels."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from hf_newscls.report.figures.data import (
    plot_confused_labels,
    plot_label_distribution,
    plot_label_lengths,
    plot_suspicious_labels,
    plot_text_lengths,
    plot_years,
)
from hf_newscls.report.figures.style import save_figure
from tests.report.figures.figure_parts import MANY_NAMES, find_texts, has_overlap, read_names, read_texts

MANY_YEARS = [str(year) for year in range(2005, 2025)]


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
        for texts in (axes.get_xticklabels(), axes.get_yticklabels(), axes.texts):
            assert not has_overlap(figure, texts), title
        for text in (*axes.texts, *axes.get_yticklabels()):
            box = text.get_window_extent()
            assert figure.bbox.x0 <= box.x0, (title, text)
            assert box.x1 <= figure.bbox.x1, (title, text)
        assert min(text.get_fontsize() for text in find_texts(figure)) >= 8, title


def test_years_put_labels_down_and_years_across() -> None:
    counts = np.array([[3, 0, 1], [0, 5, 0]])
    axes = plot_years(counts, years=["2019", "2020", "unknown"], label_names=["World", "Sports"]).axes[0]
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    assert cells == {(0, 0): "3", (2, 0): "1", (1, 1): "5"}
    assert read_names(axes.get_xticklabels()) == ["2019", "2020", "unknown"]
    assert read_names(axes.get_yticklabels()) == ["World", "Sports"]


def test_years_are_colored_by_the_fractions_of_a_label() -> None:
    axes = plot_years(np.array([[3, 1], [0, 500]]), years=["2019", "2020"], label_names=["World", "Sports"]).axes[0]
    shown = axes.images[0].get_array()
    assert np.ma.filled(shown, -1).tolist() == [[0.75, 0.25], [-1, 1]]


def test_many_years_are_joined() -> None:
    # 41 years from 1980 to 2020 make nine periods of five years; `unknown` keeps its column.
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


def test_confused_labels_stack_both_fractions() -> None:
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


def test_zero_suspicious_labels_can_be_drawn() -> None:
    figure = plot_suspicious_labels(np.zeros(2, dtype=np.int64), np.array([3, 0]), label_names=["A", "B"])
    assert figure.get_suptitle() == "Suspicious labels: 0 of 3 rows"


def test_distribution_sorts_by_total_and_keeps_ties_in_order() -> None:
    counts = {"train": [1, 5, 2, 7], "test": [3, 4, 2, 2]}
    axes = plot_label_distribution(counts, label_names=["A", "B", "C", "D"]).axes[0]
    assert read_names(axes.get_yticklabels()) == ["B", "D", "A", "C"]
    assert axes.yaxis_inverted(), "the largest total must be on top"
    assert axes.get_xlabel() == "Rows"


def test_distribution_stacks_the_splits_in_their_order() -> None:
    axes = plot_label_distribution({"train": [1, 5], "test": [3, 4]}, label_names=["A", "B"]).axes[0]
    bars = [(bar.get_y() + bar.get_height() / 2, bar.get_x(), bar.get_width()) for bar in axes.patches]
    assert [(round(row), left, width) for row, left, width in bars] == [(0, 0, 5), (1, 0, 1), (0, 5, 4), (1, 1, 3)]


def test_distribution_writes_totals() -> None:
    figure = plot_label_distribution({"train": [1000, 5], "test": [300, 4]}, label_names=["A", "B"])
    figure.draw_without_rendering()
    ends = {text.get_text(): text.xy for text in figure.axes[0].texts}
    assert {name: tuple(map(float, index)) for name, index in ends.items()} == {"1,300": (1300, 0), "9": (9, 1)}
    assert {"1,309 rows by label", "train (1,005)", "test (304)"} <= set(read_texts(figure))


@pytest.mark.parametrize("size", [2, pytest.param(42, marks=pytest.mark.slow)])
def test_distribution_names_do_not_overlap(size: int) -> None:
    counts = {"train": list(range(size)), "validation": [1] * size, "test": [1] * size}
    figure = plot_label_distribution(counts, label_names=MANY_NAMES[:size])
    labels = figure.axes[0].get_yticklabels()
    assert read_names(labels) == MANY_NAMES[:size][::-1]
    assert not has_overlap(figure, labels)
    assert not has_overlap(figure, figure.axes[0].texts)


def test_distribution_draws_labels_without_rows() -> None:
    axes = plot_label_distribution({"train": [0, 0]}, label_names=["A", "B"]).axes[0]
    assert [text.get_text() for text in axes.texts] == ["0", "0"]


@pytest.mark.parametrize(
    ("longest", "count", "names"),
    [(20, "2 of 4 texts (50.0%)", ["whole", "truncated"]), (8, "none of 4 texts", [])],
)
def test_lengths_state_the_truncated_fraction(longest: int, count: str, names: list[str]) -> None:
    figure = plot_text_lengths([5, 8, min(longest, 9), longest], max_length=8)
    assert figure.get_suptitle() == f"Truncated at max_length 8: {count}"
    assert [text.get_text() for legend in figure.legends for text in legend.get_texts()] == names


def test_lengths_draw_the_limit_between_whole_and_truncated() -> None:
    axes = plot_text_lengths([5, 8, 9, 20], max_length=8).axes[0]
    assert [list(line.get_xdata()) for line in axes.lines] == [[8.5, 8.5]]
    assert [text.get_text() for text in axes.texts] == ["max_length 8"]
    whole, truncated = axes.containers
    assert sum(bar.get_height() for bar in whole if bar.get_x() + bar.get_width() <= 8.5) == 2
    assert sum(bar.get_height() for bar in truncated if bar.get_x() >= 8.5) == 2


def test_lengths_clip_the_tail_and_report_it() -> None:
    axes = plot_text_lengths([*range(1, 1000), 50_000], max_length=500).axes[0]
    assert axes.get_xlabel().endswith("(not shown: 4 texts with more than 996 tokens)")
    assert axes.get_xlim() == (0, 997)
    assert sum(bar.get_height() for bar in axes.patches) == 996
    assert axes.get_ylabel() == "Number of texts (17 tokens per bar)"


def test_lengths_without_a_tail_do_not_report_one() -> None:
    axes = plot_text_lengths([3, 4, 5], max_length=5).axes[0]
    assert axes.get_xlabel() == "Tokens per text before truncation"
    assert axes.get_ylabel() == "Number of texts"


def test_lengths_show_all_texts_of_a_small_range() -> None:
    axes = plot_text_lengths([10] * 999 + [15], max_length=20).axes[0]
    assert axes.get_xlabel() == "Tokens per text before truncation"
    assert sum(bar.get_height() for bar in axes.patches) == 1000


@pytest.mark.parametrize(("max_length", "n_lines"), [(399, 1), (400, 0)])
def test_lengths_leave_out_a_distant_limit(max_length: int, n_lines: int) -> None:
    axes = plot_text_lengths([50, 100], max_length=max_length).axes[0]
    assert len(axes.lines) == n_lines
    assert (axes.get_xlim()[1] > max_length) == bool(n_lines)


@pytest.mark.parametrize("token_counts", [[0], [7], [0, 0, 3]])
def test_lengths_draw_few_texts(token_counts: list[int], tmp_path: Path) -> None:
    figure = plot_text_lengths(token_counts, max_length=1)
    save_figure(figure, tmp_path / "lengths.png")
    assert sum(bar.get_height() for bar in figure.axes[0].patches) == len(token_counts)
