"""Draw the confusion matrix, and order labels so that confused ones are neighbors.

Shape letter: L labels.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from hf_newscls.report.figures import style

DETAILED_LABELS = 10  # up to here a cell has room for a percentage and a count


def plot_confusion_matrix(confusion: NDArray[np.int64], *, label_names: Sequence[str]) -> Figure:
    """Return a figure of a confusion matrix, each row colored by its fractions; confused labels are neighbors.

    Up to 10 labels, a cell without texts is blank and the others hold percentage and count. With more labels, cells
    hold whole percents and are blank below 0.5. The row of a label without reference texts is grey and blank.

    Args:
        confusion: texts, shape (L, L); rows are references, columns are predictions.
        label_names: longer ones are cut to 32 characters.
    """
    order, size = order_labels(confusion), len(label_names)
    confusion, label_names = confusion[np.ix_(order, order)], [label_names[label] for label in order]
    is_detailed = size <= DETAILED_LABELS
    figure = style.build_figure(
        width=float(np.clip(style.WIDTH + (size - DETAILED_LABELS) / 12, style.WIDTH, 11)),
        height=1.3 + float(np.clip(6, 0.21 * size, 0.75 * size)),
        title=f"Confusion matrix of {confusion.sum():,} texts, {'percent and count' if is_detailed else 'in percent'}",
    )
    axes = style.format_axes(figure.add_subplot(), xlabel="Predicted label", ylabel="Correct label")
    support = confusion.sum(axis=1, keepdims=True)
    fractions = np.divide(confusion, support, out=np.full((size, size), np.nan), where=support > 0)
    texts = np.vectorize(_write_detailed if is_detailed else _write_percent, otypes=[str])(fractions, confusion)
    fontsize = style.NORMAL if is_detailed else style.SMALL
    style.draw_heatmap(axes, fractions, texts, names=(label_names, label_names), fontsize=fontsize)
    return figure


def order_labels(confusion: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the L label ids in an order that puts labels next to those they are confused with.

    Average linkage; the distance is 1 less the mean of both confusion rates. The order of the leaves is optimal
    (Bar-Joseph, Gifford and Jaakkola 2001).

    >>> order_labels(np.array([[5, 0, 4], [0, 9, 0], [5, 0, 6]])).tolist()
    [1, 2, 0]
    """
    size = len(confusion)
    if size < 3:
        return np.arange(size)
    fractions = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    distances = 1 - (fractions + fractions.T) / 2
    np.fill_diagonal(distances, 0)
    order: NDArray[np.int64] = leaves_list(linkage(squareform(distances), "average", optimal_ordering=True))
    return order.astype(np.int64)


def _write_detailed(fraction: float, count: int) -> str:
    return f"{fraction:.1%}\n{count:,}" if count else ""


def _write_percent(fraction: float, count: int) -> str:
    return f"{100 * fraction:.0f}" if count and fraction >= 0.005 else ""
