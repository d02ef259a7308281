"""Order labels so that confused ones are neighbors.

Shape letter: L labels.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform


def order_labels(confusion: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the L label ids in an order that puts labels next to those they are confused with.

    Average linkage, with 1 less the mean of both confusion rates as the distance; the order of the leaves is optimal
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
