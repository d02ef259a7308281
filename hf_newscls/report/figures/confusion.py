"""The confusion matrix."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from hf_newscls.errors import InputError
from hf_newscls.report.figures.style import (
    FRACTION_COLORS,
    NORMAL,
    SMALL,
    WIDTH,
    build_figure,
    choose_ink,
    shorten_name,
    style_axes,
)

__all__ = ["plot_confusion_matrix"]

DETAILED_LABELS = 10  # up to here a cell of the confusion matrix has room for a share and a count


def plot_confusion_matrix(confusion: NDArray[np.int64], *, label_names: Sequence[str]) -> Figure:
    """Return a figure of a confusion matrix, each row coloured by its shares.

    Up to 10 labels a cell holds its share and its count; with more, whole percents, blank below 0.5. The row of a
    label without reference texts is grey and blank.

    Args:
        confusion: texts, shape (L, L); rows are references, columns are predictions.
        label_names: L names in row order; longer ones are cut to 32 characters.

    Raises:
        InputError: `confusion` is not (L, L), or L is 0.
    """
    size = len(label_names)
    if size == 0 or confusion.shape != (size, size):
        raise InputError(f"confusion: must have shape ({size}, {size}), got {confusion.shape!r}; name every label")
    width = float(np.clip(WIDTH + (size - DETAILED_LABELS) / 12, WIDTH, 11))
    height = 1.3 + float(np.clip(6, 0.21 * size, 0.75 * size))
    figure = build_figure(width=width, height=height, title=f"Confusion matrix, {confusion.sum():,} texts")
    axes = style_axes(figure.add_subplot(), grid=None, xlabel="Prediction", ylabel="Reference")
    support = confusion.sum(axis=1, keepdims=True)
    fractions = np.divide(confusion, support, out=np.full((size, size), np.nan), where=support > 0)
    image = axes.imshow(np.ma.masked_invalid(fractions), cmap=FRACTION_COLORS, vmin=0, vmax=1, aspect="auto")
    _write_cells(axes, confusion, fractions=fractions)
    names = [shorten_name(name) for name in label_names]
    is_upright = max(map(len, names)) * 0.085 > (width - 3) / size  # inches of a capital letter, of a cell
    axes.set_xticks(range(size), labels=names, rotation=90 if is_upright else 0, parse_math=False)
    axes.set_yticks(range(size), labels=names, parse_math=False)
    bar = figure.colorbar(image, ax=axes, fraction=0.03, pad=0.015, aspect=40, format=PercentFormatter(1))
    hint = "" if size <= DETAILED_LABELS else " (cells in percent, blank below 0.5)"
    style_axes(bar.ax, grid=None, xlabel="", ylabel=f"Share of the reference label's texts{hint}")
    return figure


def _write_cells(axes: Axes, confusion: NDArray[np.int64], *, fractions: NDArray[np.float64]) -> None:
    """Write shares, and counts where there is room."""
    is_detailed = len(confusion) <= DETAILED_LABELS
    for (row, column), fraction in np.ndenumerate(fractions):
        text = f"{fraction:.1%}\n{confusion[row, column]:,}" if is_detailed else f"{100 * fraction:.0f}"
        size = NORMAL if is_detailed else SMALL
        if np.isfinite(fraction) and text != "0":
            axes.text(column, row, text, color=choose_ink(fraction), fontsize=size, ha="center", va="center")
