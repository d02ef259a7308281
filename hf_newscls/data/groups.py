"""Find rows that stand for the same article, and articles with conflicting labels."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["find_repeated", "groups_with_conflicting_labels"]

Rows = NDArray[np.int64]


def find_repeated(groups: Rows) -> Rows:
    """Return the groups of two rows or more, ascending.

    >>> find_repeated(np.array([0, 1, 0, 3, 1]))
    array([0, 1])
    """
    return np.flatnonzero(np.bincount(groups) > 1)


def groups_with_conflicting_labels(groups: Rows, kinds: Rows) -> Rows:
    """Return the groups, ascending, that hold rows of several kinds.

    >>> groups_with_conflicting_labels(np.array([0, 1, 0, 1]), kinds=np.array([5, 5, 5, 6]))
    array([1])
    """
    width = kinds.max() + 1
    pairs = np.unique(groups * width + kinds)
    return np.flatnonzero(np.bincount(pairs // width) > 1)
