"""What the figures say: axes, numbers, order and marks; not their pixels."""

import itertools
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray
from PIL import Image

from hf_newscls.errors import InputError
from hf_newscls.report.figures.confusion import plot_confusion_matrix
from hf_newscls.report.figures.data import plot_label_distribution, plot_text_lengths
from hf_newscls.report.figures.style import save_figure
from hf_newscls.report.figures.training import plot_loss_curves

# The longest names of HuffPost's v2 categories, and short ones between them, 42 in all.
MANY_NAMES = [
    name
    for number in range(14)
    for name in (f"WELLNESS & HEALTHY LIVIN{number:X}", f"TECH {number:X}", f"STYLE & BEAUTY {number:X}")
]


def build_confusion(size: int) -> NDArray[np.int64]:
    return 60 * np.eye(size, dtype=np.int64) + np.ones((size, size), dtype=np.int64)


def build_history(*, entries: int, unfreeze_step: int) -> list[dict[str, float]]:
    """Log a loss each step: 3 up to `unfreeze_step`, 1 behind it; the last entry is the summary of the Trainer."""
    history: list[dict[str, float]] = []
    for step in range(1, entries + 1):
        is_frozen = step <= unfreeze_step
        rate = 1e-3 if is_frozen else 2e-5
        history.append({"step": step, "loss": 3.0 if is_frozen else 1.0, "learning_rate": rate, "grad_norm": 1.0})
        if step % 10 == 0:
            history.append({"step": step, "eval_loss": 2.5 if is_frozen else 1.25, "eval_f1_macro": 0.5})
    return [*history, {"step": entries, "train_loss": 2.0, "train_runtime": 9.0}]


def read_texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text()]


def read_names(labels: Sequence[Text]) -> list[str]:
    return [label.get_text() for label in labels]


def has_overlap(figure: Figure, labels: Sequence[Text]) -> bool:
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in labels]
    return any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def compute_luminance(color: Sequence[float]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


# Confusion matrix


def test_confusion_puts_reference_down_and_prediction_across() -> None:
    confusion = np.array([[1, 3], [0, 8]])
    axes = plot_confusion_matrix(confusion, label_names=["World", "Sports"]).axes[0]
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Prediction", "Reference")
    assert cells == {(0, 0): "25.0%\n1", (1, 0): "75.0%\n3", (0, 1): "0.0%\n0", (1, 1): "100.0%\n8"}
    assert axes.images[0].get_array()[0, 1] == pytest.approx(0.75)
    assert axes.yaxis_inverted(), "the first reference must be on top"


@pytest.mark.parametrize("size", [2, 11, pytest.param(42, marks=pytest.mark.slow)])
def test_confusion_names_follow_label_order_on_both_axes(size: int) -> None:
    axes = plot_confusion_matrix(build_confusion(size), label_names=MANY_NAMES[:size]).axes[0]
    assert read_names(axes.get_xticklabels()) == MANY_NAMES[:size]
    assert read_names(axes.get_yticklabels()) == MANY_NAMES[:size]


@pytest.mark.parametrize("size", [2, 6, 10, 11, 20, pytest.param(42, marks=pytest.mark.slow)])
def test_confusion_names_do_not_overlap(size: int) -> None:
    figure = plot_confusion_matrix(build_confusion(size), label_names=MANY_NAMES[:size])
    assert not has_overlap(figure, figure.axes[0].get_xticklabels())
    assert not has_overlap(figure, figure.axes[0].get_yticklabels())


@pytest.mark.parametrize("size", [2, 10, 11, pytest.param(42, marks=pytest.mark.slow)])
def test_confusion_numbers_stay_within_their_cells(size: int) -> None:
    figure = plot_confusion_matrix(build_confusion(size), label_names=MANY_NAMES[:size])
    figure.draw_without_rendering()
    axes = figure.axes[0]
    cell = axes.get_window_extent()
    for text in axes.texts:
        box = text.get_window_extent()
        assert box.width < cell.width / size
        assert box.height < cell.height / size * 1.1, "digits carry blank space beneath them"


def test_confusion_of_many_labels_leaves_out_small_shares() -> None:
    confusion = np.zeros((11, 11), dtype=np.int64)
    confusion[4] = [0, 0, 4, 0, 986, 0, 0, 10, 0, 0, 0]
    axes = plot_confusion_matrix(confusion, label_names=MANY_NAMES[:11]).axes[0]
    assert {text.get_position(): text.get_text() for text in axes.texts} == {(4, 4): "99", (7, 4): "1"}


def test_confusion_row_without_references_is_blank() -> None:
    axes = plot_confusion_matrix(np.array([[0, 0], [1, 1]]), label_names=["World", "Sports"]).axes[0]
    assert np.ma.getmaskarray(axes.images[0].get_array()).tolist() == [[True, True], [False, False]]
    assert {text.get_position()[1] for text in axes.texts} == {1}


def test_confusion_numbers_contrast_with_their_cells() -> None:
    confusion = np.zeros((42, 42), dtype=np.int64)
    confusion[:, 0] = np.arange(1, 85, 2)
    confusion[:, 1] = 100 - confusion[:, 0]  # together every odd percent from 1 to 99
    axes = plot_confusion_matrix(confusion, label_names=MANY_NAMES).axes[0]
    for text in axes.texts:
        cell = compute_luminance(axes.images[0].cmap(int(text.get_text()) / 100))
        ink = {"black": 0.0, "white": 1.0}[str(text.get_color())]
        ratio = (max(cell, ink) + 0.05) / (min(cell, ink) + 0.05)
        assert ratio >= 4.5, f"WCAG AA asks for 4.5 at {text.get_text()}%"


def test_confusion_takes_names_as_plain_text() -> None:
    figure = plot_confusion_matrix(np.eye(2, dtype=np.int64), label_names=["US$ and A$", "x" * 40])
    figure.draw_without_rendering()
    assert read_names(figure.axes[0].get_xticklabels()) == ["US$ and A$", "x" * 31 + "…"]
    assert not figure.axes[0].get_xticklabels()[0].get_parse_math()


@pytest.mark.parametrize(("shape", "names"), [((2, 3), ["A", "B"]), ((2, 2), ["A"]), ((0, 0), [])])
def test_confusion_refuses_another_shape(shape: tuple[int, int], names: list[str]) -> None:
    with pytest.raises(
        InputError, match=rf"^confusion: .* shape .{len(names)}, {len(names)}., got .{shape[0]}, {shape[1]}.;"
    ):
        plot_confusion_matrix(np.zeros(shape, dtype=np.int64), label_names=names)


# Loss curves


def test_loss_names_axes_and_lines() -> None:
    figure = plot_loss_curves(build_history(entries=30, unfreeze_step=10), unfreeze_step=10, best_step=20)
    losses, rates = figure.axes
    legend = losses.get_legend()
    assert legend is not None
    assert losses.get_ylabel() == "Mean loss per text"
    assert (rates.get_xlabel(), rates.get_ylabel()) == ("Training step (optimizer updates)", "Learning rate")
    assert read_names(legend.get_texts()) == ["training loss", "validation loss", "best checkpoint (step 20)"]


def test_loss_draws_what_was_logged() -> None:
    losses = plot_loss_curves(build_history(entries=30, unfreeze_step=10), unfreeze_step=10).axes[0]
    lines = {str(line.get_label()): np.asarray(line.get_xydata()) for line in losses.lines}
    assert lines["validation loss"].tolist() == [[10, 2.5], [20, 1.25], [30, 1.25]]
    assert lines["training loss"].tolist() == [[step, 3 if step <= 10 else 1] for step in range(1, 31)]


def test_loss_marks_the_unfreeze_step_in_both_panels() -> None:
    figure = plot_loss_curves(build_history(entries=30, unfreeze_step=10), unfreeze_step=10)
    assert [text.get_position()[0] for text in figure.axes[0].texts if text.get_text() == "unfreeze"] == [10]
    for axes in figure.axes:
        assert [10, 10] in [list(line.get_xdata()) for line in axes.lines]


def test_loss_of_one_stage_has_no_unfreeze_mark() -> None:
    figure = plot_loss_curves(build_history(entries=30, unfreeze_step=0), unfreeze_step=None)
    assert "unfreeze" not in read_texts(figure)
    assert figure.axes[1].get_yscale() == "linear"


def test_loss_puts_the_best_checkpoint_on_the_validation_loss() -> None:
    history = build_history(entries=30, unfreeze_step=10)
    losses = plot_loss_curves(history, unfreeze_step=10, best_step=20).axes[0]
    (star,) = [line for line in losses.lines if line.get_marker() == "*"]
    assert np.asarray(star.get_xydata()).tolist() == [[20, 1.25]]


def test_loss_average_stays_within_its_stage() -> None:
    history = build_history(entries=200, unfreeze_step=100)
    losses = plot_loss_curves(history, unfreeze_step=100).axes[0]
    (average,) = [line for line in losses.lines if line.get_label() == "training loss (mean of 9 log entries)"]
    assert np.asarray(average.get_ydata()).tolist() == [3.0] * 100 + [1.0] * 100


def test_loss_average_is_taken_over_neighbours() -> None:
    history = [{"step": step, "loss": float(step == 50)} for step in range(1, 101)]
    losses = plot_loss_curves(history, unfreeze_step=None).axes[0]
    (average,) = [line for line in losses.lines if line.get_label() == "training loss (mean of 5 log entries)"]
    assert np.flatnonzero(average.get_ydata()).tolist() == [47, 48, 49, 50, 51]
    assert max(np.asarray(average.get_ydata())) == pytest.approx(0.2)


@pytest.mark.parametrize(("first", "second", "scale"), [(1e-3, 2e-5, "log"), (2e-5, 2e-5, "linear"), (0, 0, "linear")])
def test_learning_rate_scale_shows_both_stages(first: float, second: float, scale: str) -> None:
    history = [{"step": step, "learning_rate": first if step <= 3 else second} for step in range(1, 7)]
    rates = plot_loss_curves(history, unfreeze_step=3).axes[1]
    bottom, top = rates.get_ylim()
    assert rates.get_yscale() == scale
    assert bottom <= min(first, second)
    assert max(first, second) < top


def test_learning_rate_of_zero_lies_on_the_edge_of_a_log_scale() -> None:
    values = [0, 1e-3, 0, 0, 2e-5, 0]
    history = [{"step": step, "learning_rate": rate} for step, rate in enumerate(values, start=1)]
    rates = plot_loss_curves(history, unfreeze_step=3).axes[1]
    drawn = np.array([line.get_ydata() for line in rates.lines[:2]])
    assert drawn == pytest.approx(np.array([[1e-6, 1e-3, 1e-6], [1e-6, 2e-5, 1e-6]]))
    assert rates.get_ylim()[0] == pytest.approx(1e-6)


@pytest.mark.parametrize("history", [[], [{"step": 4, "train_runtime": 2.0}], [{"step": 4, "loss": float("nan")}]])
def test_loss_draws_a_history_without_values(history: list[dict[str, float]], tmp_path: Path) -> None:
    save_figure(plot_loss_curves(history, unfreeze_step=2, best_step=4), tmp_path / "loss.png")
    assert (tmp_path / "loss.png").stat().st_size > 0


# Label distribution


def test_distribution_sorts_by_total_and_keeps_ties_in_order() -> None:
    counts = {"train": [1, 5, 2, 7], "test": [3, 4, 2, 2]}
    axes = plot_label_distribution(counts, label_names=["A", "B", "C", "D"]).axes[0]
    assert read_names(axes.get_yticklabels()) == ["B", "D", "A", "C"]
    assert axes.yaxis_inverted(), "the largest total must be on top"
    assert axes.get_xlabel() == "Rows (texts)"


def test_distribution_stacks_the_sides_in_their_order() -> None:
    axes = plot_label_distribution({"train": [1, 5], "test": [3, 4]}, label_names=["A", "B"]).axes[0]
    bars = [(bar.get_y() + bar.get_height() / 2, bar.get_x(), bar.get_width()) for bar in axes.patches]
    assert [(round(row), left, width) for row, left, width in bars] == [(0, 0, 5), (1, 0, 1), (0, 5, 4), (1, 1, 3)]


def test_distribution_writes_totals() -> None:
    figure = plot_label_distribution({"train": [1000, 5], "test": [300, 4]}, label_names=["A", "B"])
    figure.draw_without_rendering()
    ends = {text.get_text(): text.xy for text in figure.axes[0].texts}
    assert {name: tuple(map(float, index)) for name, index in ends.items()} == {"1,300": (1300, 0), "9": (9, 1)}
    assert {"Rows per label, 1,309 in all", "train (1,005)", "test (304)"} <= set(read_texts(figure))


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


@pytest.mark.parametrize("counts", [{}, {"train": [1]}, {"train": [1, 2], "test": [1, 2, 3]}])
def test_distribution_refuses_another_number_of_labels(counts: dict[str, list[int]]) -> None:
    with pytest.raises(InputError, match=r"^counts: each side must hold 2 counts, got \{"):
        plot_label_distribution(counts, label_names=["A", "B"])


# Text lengths


def test_lengths_state_the_truncated_share() -> None:
    figure = plot_text_lengths([5, 8, 9, 20], max_length=8)
    assert figure.get_suptitle() == "2 of 4 texts (50.0%) are truncated at max_length 8"


def test_lengths_draw_the_limit_between_whole_and_truncated() -> None:
    axes = plot_text_lengths([5, 8, 9, 20], max_length=8).axes[0]
    assert [list(line.get_xdata()) for line in axes.lines] == [[8.5, 8.5]]
    assert [text.get_text() for text in axes.texts] == ["max_length 8"]
    whole, truncated = axes.containers
    assert sum(bar.get_height() for bar in whole if bar.get_x() + bar.get_width() <= 8.5) == 2
    assert sum(bar.get_height() for bar in truncated if bar.get_x() >= 8.5) == 2


def test_lengths_clip_the_tail_and_say_so() -> None:
    axes = plot_text_lengths([*range(1, 1000), 50_000], max_length=500).axes[0]
    told = "Tokens per text before truncation (not shown: 4 texts beyond the 99.5th percentile, 996 tokens)"
    assert axes.get_xlabel() == told
    assert axes.get_xlim() == (0, 997)
    assert sum(bar.get_height() for bar in axes.patches) == 996
    assert axes.get_ylabel() == "Texts (tokens per bar: 17)"


def test_lengths_without_a_tail_say_nothing_of_it() -> None:
    axes = plot_text_lengths([3, 4, 5], max_length=5).axes[0]
    assert axes.get_xlabel() == "Tokens per text before truncation"
    assert axes.get_ylabel() == "Texts (tokens per bar: 1)"


@pytest.mark.parametrize(("max_length", "n_lines"), [(399, 1), (400, 0)])
def test_lengths_leave_out_a_limit_far_to_the_right(max_length: int, n_lines: int) -> None:
    axes = plot_text_lengths([50, 100], max_length=max_length).axes[0]
    assert len(axes.lines) == n_lines
    assert (axes.get_xlim()[1] > max_length) == bool(n_lines)


@pytest.mark.parametrize("token_counts", [[0], [7], [0, 0, 3]])
def test_lengths_draw_few_texts(token_counts: list[int], tmp_path: Path) -> None:
    figure = plot_text_lengths(token_counts, max_length=1)
    save_figure(figure, tmp_path / "lengths.png")
    assert sum(bar.get_height() for bar in figure.axes[0].patches) == len(token_counts)


def test_lengths_refuse_no_texts() -> None:
    with pytest.raises(InputError, match=r"^token_counts: must hold at least one text, got none"):
        plot_text_lengths([], max_length=8)


# Files


def test_save_writes_the_same_bytes_again(tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        save_figure(plot_confusion_matrix(build_confusion(12), label_names=MANY_NAMES[:12]), tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


@pytest.mark.slow
def test_save_writes_a_small_png_without_maker_or_date(tmp_path: Path) -> None:
    path = tmp_path / "confusion.png"
    save_figure(plot_confusion_matrix(build_confusion(42), label_names=MANY_NAMES), path)
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert set(picture.info) == {"dpi"}
        assert 900 <= picture.width <= 1400, "8 to 11 inches at 120 dots per inch"
        assert picture.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert path.stat().st_size < 150_000


@pytest.mark.slow
def test_fonts_have_at_least_8_points() -> None:
    figures = [
        plot_confusion_matrix(build_confusion(42), label_names=MANY_NAMES),
        plot_loss_curves(build_history(entries=60, unfreeze_step=20), unfreeze_step=20, best_step=30),
        plot_label_distribution({"train": list(range(42))}, label_names=MANY_NAMES),
        plot_text_lengths([5, 8, 9], max_length=8),
    ]
    for figure in figures:
        figure.draw_without_rendering()
        sizes = [text.get_fontsize() for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text()]
        assert min(sizes) >= 8


def test_drawing_loads_no_pyplot_and_changes_no_setting(tmp_path: Path) -> None:
    # dict.items, as reading rcParams["backend"] itself loads pyplot.
    script = (
        "import sys; from pathlib import Path; import matplotlib; before = list(dict.items(matplotlib.rcParams))\n"
        "from hf_newscls.report.figures.style import save_figure\n"
        "from hf_newscls.report.figures.data import plot_text_lengths\n"
        f"save_figure(plot_text_lengths([1, 2], max_length=1), Path({str(tmp_path / 'a.png')!r}))\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert before == list(dict.items(matplotlib.rcParams))\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[3])
