"""Choose a sample of rows, and deal rows to folds so that no article is in two of them.

Shape letter: N rows.
"""

import numpy as np
from numpy.typing import NDArray

from hf_newscls.errors import InputError

__all__ = ["assign_folds", "stratified_sample"]

Rows = NDArray[np.int64]


def stratified_sample(labels: Rows, *, max_rows: int, seed: int) -> Rows:
    """Return the places of a stratified sample, ascending: of each label its share, rounded up; all rows if they fit.

    >>> labels = np.array([0] * 6 + [1] * 2)
    >>> labels[stratified_sample(labels, max_rows=4, seed=17)].tolist()
    [0, 0, 0, 1]
    """
    if len(labels) <= max_rows:
        return np.arange(len(labels))
    order = np.lexsort((np.random.default_rng(seed).permutation(len(labels)), labels))
    counts = np.bincount(labels)
    ranks = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.sort(order[ranks < np.repeat(np.ceil(counts * max_rows / len(labels)), counts)])


def assign_folds(labels: Rows, groups: Rows, *, folds: int, seed: int) -> Rows:
    """Return the fold of each row: a group shares one, and the groups of each label are dealt out in turn.

    A group belongs to the label of its first row. Larger groups are dealt first, so that the folds are alike in size.

    Args:
        labels: shape (N,).
        groups: shape (N,), equal for rows that must share a fold.
        folds: their number; fewer where there are fewer groups.
        seed: of the order of the groups within a label.

    Raises:
        InputError: there are fewer than two groups.
    """
    names, firsts, members = np.unique(groups, return_index=True, return_inverse=True)
    if len(names) < 2:
        raise InputError(f"groups: must hold at least two articles, got {len(names)}; labels cannot be judged by one")
    chance = np.random.default_rng(seed).permutation(len(names))
    order = np.lexsort((chance, -np.bincount(members), labels[firsts]))
    dealt = np.empty(len(names), dtype=np.int64)
    dealt[order] = np.arange(len(names)) % min(folds, len(names))
    return dealt[members]
