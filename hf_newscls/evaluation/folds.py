"""Draw a stratified sample of rows, and split rows into folds.

Shape letter: N rows.
"""

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from hf_newscls.errors import InputError

Rows = NDArray[np.int64]


def stratified_sample(labels: Rows, *, max_rows: int, seed: int) -> Rows:
    """Return the indices of a stratified sample, ascending: each label's fraction, rounded up; all rows if they fit.

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


def split_folds(labels: Rows, groups: Rows, *, folds: int, seed: int) -> list[tuple[Rows, Rows]]:
    """Return for each fold the indices of the other rows and of its own; each label is spread evenly over the folds.

    There are fewer folds if there are fewer groups, or fewer rows of the largest label.

    Args:
        labels: (N,).
        groups: (N,), equal for rows that must be in the same fold.

    Raises:
        InputError: fewer than two groups, or no label has two rows.
    """
    found, largest = len(np.unique(groups)), int(np.bincount(labels).max())
    if found < 2:
        raise InputError(f"only {found} article found; checking the labels needs at least 2, so add more rows")
    if largest < 2:
        raise InputError(f"each of the {len(labels)} rows has its own label; check `data.label`")
    splitter = StratifiedGroupKFold(min(folds, found, largest), shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A label with fewer rows than folds is missing from some of them.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        return list(splitter.split(labels, labels, groups))
