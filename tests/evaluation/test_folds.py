"""Samples are stratified, an article is in one fold, and both depend on the seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hf_newscls.errors import InputError
from hf_newscls.evaluation.folds import split_folds, stratified_sample

LABELS = np.repeat([0, 1, 2], [60, 30, 10])


def assign_folds(labels: NDArray[np.int64], groups: NDArray[np.int64], *, folds: int, seed: int) -> NDArray[np.int64]:
    """Return the fold of each row."""
    assigned = np.full(len(labels), -1)
    for fold, (others, own) in enumerate(split_folds(labels, groups, folds=folds, seed=seed)):
        assert sorted([*others, *own]) == [*range(len(labels))]
        assert (assigned[own] == -1).all()
        assigned[own] = fold
    return assigned


def test_folds_are_stratified() -> None:
    folds = assign_folds(LABELS, np.arange(100), folds=5, seed=17)
    for fold in range(5):
        assert np.bincount(LABELS[folds == fold]).tolist() == [12, 6, 2]


def test_few_rows_of_a_label_are_in_different_folds() -> None:
    labels = np.repeat([0, 1], [17, 3])
    folds = assign_folds(labels, np.arange(20), folds=5, seed=17)
    assert len({*folds[labels == 1].tolist()}) == 3
    assert np.bincount(folds).tolist() == [4] * 5


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 2)), min_size=2), st.integers(2, 6))
def test_group_is_in_one_fold_and_no_fold_is_empty(rows: list[tuple[int, int]], folds: int) -> None:
    groups, labels = (np.array(column) for column in zip(*rows, strict=True))
    size = min(folds, len(np.unique(groups)), np.bincount(labels).max())
    if size < 2:
        return
    found = assign_folds(labels, groups, folds=folds, seed=17)
    for group in groups:
        assert len({*found[groups == group].tolist()}) == 1
    assert sorted({*found.tolist()}) == [*range(size)]


def test_folds_depend_on_the_seed() -> None:
    first, again, other = (assign_folds(LABELS, np.arange(100), folds=5, seed=seed) for seed in (17, 17, 18))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_one_article_is_refused() -> None:
    with pytest.raises(InputError, match=r"\b1 article\b"):
        assign_folds(np.array([0, 1]), np.array([0, 0]), folds=5, seed=17)


def test_a_label_for_each_row_is_refused() -> None:
    with pytest.raises(InputError, match=r"\b3 rows\b.*`data.label`"):
        assign_folds(np.arange(3), np.arange(3), folds=5, seed=17)


def test_sample_is_stratified() -> None:
    chosen = stratified_sample(LABELS, max_rows=10, seed=17)
    assert np.bincount(LABELS[chosen]).tolist() == [6, 3, 1]
    assert chosen.tolist() == sorted({*chosen.tolist()})


def test_sample_has_rows_of_each_label() -> None:
    labels = np.repeat([0, 1], [999, 1])
    assert np.bincount(labels[stratified_sample(labels, max_rows=10, seed=17)]).tolist() == [10, 1]


@pytest.mark.parametrize("max_rows", [100, 101])
def test_sample_of_few_rows_is_all_of_them(max_rows: int) -> None:
    assert stratified_sample(LABELS, max_rows=max_rows, seed=17).tolist() == [*range(100)]


def test_sample_depends_on_the_seed() -> None:
    first, again, other = (stratified_sample(LABELS, max_rows=50, seed=seed) for seed in (17, 17, 18))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()
