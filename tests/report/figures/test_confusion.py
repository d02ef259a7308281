"""What the confusion matrix shows: cells, names, colors; and the order of its labels."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hf_newscls.report.figures.confusion import order_labels, plot_confusion_matrix
from tests.report.figures.figure_parts import MANY_NAMES, has_overlap, read_names


def build_confusion(size: int) -> NDArray[np.int64]:
    return 60 * np.eye(size, dtype=np.int64) + np.ones((size, size), dtype=np.int64)


def compute_luminance(color: Sequence[float]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_confusion_puts_reference_down_and_prediction_across() -> None:
    confusion = np.array([[1, 3], [0, 8]])
    axes = plot_confusion_matrix(confusion, label_names=["World", "Sports"]).axes[0]
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Predicted label", "Correct label")
    assert cells == {(0, 0): "25.0%\n1", (1, 0): "75.0%\n3", (1, 1): "100.0%\n8"}
    assert axes.images[0].get_array()[0, 1] == pytest.approx(0.75)
    assert axes.yaxis_inverted(), "the first reference must be on top"


@pytest.mark.parametrize("size", [2, 11, pytest.param(42, marks=pytest.mark.slow)])
def test_confusion_names_stand_at_their_rows_and_columns(size: int) -> None:
    confusion = build_confusion(size) + np.diag(np.arange(size))
    axes = plot_confusion_matrix(confusion, label_names=MANY_NAMES[:size]).axes[0]
    names, fractions = read_names(axes.get_yticklabels()), axes.images[0].get_array().diagonal()
    assert names == read_names(axes.get_xticklabels())
    expected = confusion.diagonal() / confusion.sum(axis=1)
    assert dict(zip(names, fractions, strict=True)) == pytest.approx(
        dict(zip(MANY_NAMES[:size], expected, strict=True))
    )


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


def test_confusion_of_many_labels_leaves_out_small_fractions() -> None:
    confusion = np.zeros((11, 11), dtype=np.int64)
    confusion[4] = [0, 0, 4, 0, 986, 0, 0, 10, 0, 0, 0]
    axes = plot_confusion_matrix(confusion, label_names=MANY_NAMES[:11]).axes[0]
    assert sorted(text.get_text() for text in axes.texts) == ["1", "99"]


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


def test_confusion_shows_names_as_plain_text() -> None:
    figure = plot_confusion_matrix(np.eye(2, dtype=np.int64), label_names=["US$ and A$", "x" * 40])
    figure.draw_without_rendering()
    assert read_names(figure.axes[0].get_xticklabels()) == ["US$ and A$", "x" * 31 + "…"]
    assert not figure.axes[0].get_xticklabels()[0].get_parse_math()


# The order of labels.


def test_confused_labels_are_neighbors() -> None:
    # 0 with 3, 1 with 4 and 2 with 5.
    confusion = 90 * np.eye(6, dtype=np.int64)
    for one in range(3):
        confusion[one, one + 3] = confusion[one + 3, one] = 40
    order = order_labels(confusion).tolist()
    for one in range(3):
        assert abs(order.index(one) - order.index(one + 3)) == 1


def test_confusion_in_one_direction_is_enough() -> None:
    confusion = 90 * np.eye(4, dtype=np.int64)
    confusion[0, 3] = 30
    order = order_labels(confusion).tolist()
    assert abs(order.index(0) - order.index(3)) == 1


@pytest.mark.parametrize("size", [1, 2])
def test_few_labels_keep_their_order(size: int) -> None:
    assert order_labels(np.ones((size, size), dtype=np.int64)).tolist() == [*range(size)]


@given(st.integers(3, 12), st.integers(0, 99))
def test_order_has_each_label_once(size: int, seed: int) -> None:
    confusion = np.random.default_rng(seed).integers(0, 3, size=(size, size))
    assert sorted(order_labels(confusion).tolist()) == [*range(size)]
