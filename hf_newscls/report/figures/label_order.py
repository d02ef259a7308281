"""Put labels that are taken for each other next to each other.

Shape letter: L labels.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

__all__ = ["order_labels"]


def order_labels(confusion: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the L label ids in an order in which similar labels stand together.

    Labels are clustered by average linkage; two are the nearer, the larger a share of the rows of either is taken for
    the other. Of all orders that keep the clusters whole it is the one with the nearest neighbours (Bar-Joseph, Gifford
    and Jaakkola 2001).

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
