"""Count the articles of the test set that the training set holds too."""

from dataclasses import dataclass

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from hf_newscls.data.splitting import SPLITS
from hf_newscls.data.stratification import assign_groups, hash_rows
from hf_newscls.recipe.recipe import SplitSection

__all__ = ["Leakage", "count_leaks", "measure_leakage"]

_TRAIN, _TEST = SPLITS.index("train"), SPLITS.index("test")


@dataclass(frozen=True)
class Leakage:
    """Rows of the test set that have a twin in the training set.

    Attributes:
        rows: in this split.
        plain: in a random split of the same rows and seed, stratified by label, that does not know of duplicates.
        plain_test_rows: rows of that split's test set.
    """

    rows: int
    plain: int
    plain_test_rows: int


def measure_leakage(
    dataset: Dataset, splits: NDArray[np.int64], *, groups: NDArray[np.int64], section: SplitSection
) -> Leakage:
    """Count the leaks of a split, and those that a plain one of the rows it kept would have.

    Args:
        dataset: the rows that were split.
        splits: of the rows, shape (N,), as `assign_splits` gives them.
        groups: of the rows, shape (N,), equal for rows of one article.
        section: the recipe's split section.
    """
    kept = np.flatnonzero(splits >= 0)
    dataset, splits, groups = dataset.select(kept), splits[kept], groups[kept]
    labels, keys = np.asarray(dataset["label"][:]), hash_rows(dataset["text"][:], seed=section.seed)
    # As large as the sides came out, where no fractions were asked for.
    sizes = np.bincount(splits, minlength=len(SPLITS))
    fractions = (
        [getattr(section, split) for split in SPLITS] if section.has_fractions else (sizes / sizes.sum()).tolist()
    )
    plain = assign_groups(labels, np.arange(len(groups)), keys, fractions)
    return Leakage(
        rows=count_leaks(groups, splits),
        plain=count_leaks(groups, plain),
        plain_test_rows=int((plain == _TEST).sum()),
    )


def count_leaks(groups: NDArray[np.int64], splits: NDArray[np.int64]) -> int:
    """Return the rows of the test set whose group has a row in the training set.

    Args:
        groups: of the rows, shape (N,).
        splits: of the rows, shape (N,), as `assign_splits` gives them.
    """
    return int(np.isin(groups[splits == _TEST], groups[splits == _TRAIN]).sum())
