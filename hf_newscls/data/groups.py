"""Find groups of rows that are one article, and groups with conflicting labels."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rows", "find_repeated", "groups_with_conflicting_labels"]

Rows = NDArray[np.int64]


def find_repeated(groups: Rows) -> Rows:
    """Return the groups with at least two rows, ascending.

    >>> find_repeated(np.array([0, 1, 0, 3, 1]))
    array([0, 1])
    """
    return np.flatnonzero(np.bincount(groups) > 1)


def groups_with_conflicting_labels(groups: Rows, kinds: Rows) -> Rows:
    """Return the groups, ascending, with rows of several kinds.

    >>> groups_with_conflicting_labels(np.array([0, 1, 0, 1]), kinds=np.array([5, 5, 5, 6]))
    array([1])
    """
    pairs = np.unique(np.stack([groups, kinds]), axis=1)
    return find_repeated(pairs[0])
