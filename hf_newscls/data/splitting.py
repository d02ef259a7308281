"""Split rows into train, validation and test, the same way on every machine and without an article on two sides."""

import logging
from collections.abc import Mapping, Sequence

import numpy as np
from datasets import Dataset, DatasetDict
from numpy.typing import NDArray

from hf_newscls.data.readers.rows import ROW_ID
from hf_newscls.data.stratification import assign_groups, hash_rows
from hf_newscls.errors import DataError, format_examples, suggest_name
from hf_newscls.recipe.recipe import SplitSection

__all__ = ["SPLITS", "assign_splits", "select_splits"]

SPLITS = ("train", "validation", "test")
_TRAIN, _VALIDATION, _TEST = range(len(SPLITS))
_NOWHERE = -1
_SPELLINGS: Mapping[str, int] = {
    **dict.fromkeys(("train", "training"), _TRAIN),
    **dict.fromkeys(("validation", "valid", "val", "dev"), _VALIDATION),
    "test": _TEST,
}

Splits = NDArray[np.int64]
Groups = NDArray[np.int64]

logger = logging.getLogger(__name__)


def assign_splits(
    dataset: Dataset,
    section: SplitSection,
    *,
    groups: Groups,
    dates: NDArray[np.datetime64] | None = None,
    source_name: str,
) -> Splits:
    """Return the side of each row, shape (N,): its place in `SPLITS`, or -1 for a row that is left out.

    - random: stratified by label; which groups go where is decided by a SHA-256 of seed and content. The order of the
      rows in the file plays no part, save among rows of equal content, nor do other labels. Every side holds at least
      one row of each label.
    - folds: the same, with equal parts; one of them is the test set, the next one validation.
    - time: the groups with the newest rows are the test set, the next newest validation. Not stratified: a label may
      be missing from validation or test.
    - predefined: as a column says. Where no row is for validation, a stratified part of the training rows is. Rows of
      a group on two sides stay in the test set, else in validation, and are left out of the others.

    Args:
        dataset: rows with `text`, a `ClassLabel` named `label`, and the column that `predefined` names.
        section: the recipe's split section.
        groups: of rows that must stay together, shape (N,); any numbers, equal within a group.
        dates: of the rows, shape (N,), for `by: time`.
        source_name: the data file, for messages.

    Raises:
        DataError: labels with too few groups, or a column that says something else than the sides.
        ValueError: no dates were given for `by: time`.
    """
    if section.predefined is not None:
        return _read_splits(dataset, section, groups, source_name=source_name)
    if section.by == "time":
        if dates is None:
            raise ValueError("assign_splits: `dates` must be given for `by: time`, got None; read them first")
        return _cut_by_time(dataset, section, groups, dates, source_name=source_name)
    if section.folds is not None:
        folds = _stratify(
            dataset, groups, [1 / section.folds] * section.folds, seed=section.seed, source_name=source_name
        )
        assignment = np.full(len(dataset), _TRAIN)
        assignment[folds == section.fold] = _TEST
        assignment[folds == (section.fold + 1) % section.folds] = _VALIDATION
        return assignment
    fractions = [getattr(section, split) for split in SPLITS]
    return _stratify(dataset, groups, fractions, seed=section.seed, source_name=source_name)


def select_splits(dataset: Dataset, assignment: Splits) -> DatasetDict:
    """Return the rows of each side, in the file's order."""
    splits = {split: dataset.select(np.flatnonzero(assignment == index)) for index, split in enumerate(SPLITS)}
    logger.info("split into %s", ", ".join(f"{len(rows):,} {split}" for split, rows in splits.items()))
    return DatasetDict(splits)


def _stratify(
    dataset: Dataset, groups: Groups, fractions: Sequence[float], *, seed: int, source_name: str
) -> NDArray[np.int64]:
    labels = np.asarray(dataset["label"][:], dtype=np.int64)
    names: list[str] = dataset.features["label"].names
    _refuse_small_classes(names, labels, groups, parts=len(fractions), source_name=source_name)
    parts = assign_groups(labels, groups, hash_rows(dataset["text"][:], seed=seed), fractions)
    present = np.unique(np.stack([labels, parts]), axis=1)[0]
    lacking = [name for label, name in enumerate(names) if np.count_nonzero(present == label) < len(fractions)]
    if lacking:
        raise DataError(
            f"{source_name}: every label must be on each side of the split, found none on one for "
            f"{format_examples(lacking)}, whose rows are duplicates of too few others; merge the labels or set "
            "`data.duplicates: drop`"
        )
    return parts


def _refuse_small_classes(
    names: Sequence[str], labels: NDArray[np.int64], groups: Groups, *, parts: int, source_name: str
) -> None:
    rows = np.bincount(labels, minlength=len(names))
    apart = np.bincount(np.unique(np.stack([labels, groups]), axis=1)[0], minlength=len(names))
    small = [
        f"{name} ({count})" if count == alone else f"{name} ({count}, but {alone} without duplicates)"
        for name, count, alone in zip(names, rows.tolist(), apart.tolist(), strict=True)
        if alone < parts
    ]
    if small:
        raise DataError(
            f"{source_name}: every label must have at least {parts} rows, one for each side of the split, found "
            f"{format_examples(small)}; merge them in `data.merge_labels` or remove the rows"
        )


def _cut_by_time(
    dataset: Dataset, section: SplitSection, groups: Groups, dates: NDArray[np.datetime64], *, source_name: str
) -> Splits:
    undated = np.flatnonzero(np.isnat(dates))
    if len(undated):
        offenders = format_examples(dataset.select(undated)[ROW_ID][:])
        raise DataError(
            f"{source_name}: every row must have a date for `split.by: time`, found none in the rows with id "
            f"{offenders}; "
            "fill them in or split by chance"
        )
    numbers, group = np.unique(groups, return_inverse=True)
    newest = np.full(len(numbers), np.iinfo(np.int64).min)
    np.maximum.at(newest, group, dates.astype("datetime64[s]").astype(np.int64))
    # Among groups of one date the smallest key of their rows decides, so the file's order plays no part.
    keys = hash_rows(dataset["text"][:], seed=section.seed)
    ranked = np.lexsort((keys, group))
    smallest = ranked[np.searchsorted(group[ranked], np.arange(len(numbers)))]
    order = np.lexsort((keys[smallest], -newest))
    sizes = np.bincount(group)[order]
    before = np.cumsum(sizes) - sizes
    is_test = before < round(len(dataset) * section.test)
    # A large group can give the test set more than its fraction.
    is_validation = before < sizes[is_test].sum() + round(len(dataset) * section.validation)
    split = np.select([is_test, is_validation], [_TEST, _VALIDATION], default=_TRAIN)
    assignment = np.empty(len(numbers), dtype=np.int64)
    assignment[order] = split
    _check_labels(dataset, assignment[group], source_name=source_name)
    return assignment[group]


def _read_splits(dataset: Dataset, section: SplitSection, groups: Groups, *, source_name: str) -> Splits:
    values = [(value or "").strip() for value in dataset[section.predefined][:]]
    unknown = [value for value in dict.fromkeys(values) if value.lower() not in _SPELLINGS]
    if unknown:
        close = suggest_name(unknown[0], SPLITS)
        raise DataError(
            f"{source_name}: {section.predefined!r} must say train, validation or test in every row, found "
            f"{format_examples(unknown)}; {f'did you mean {close!r}?' if close else 'name the column that does'}"
        )
    assignment = np.array([_SPELLINGS[value.lower()] for value in values])
    for stronger, weaker in ((_TEST, _VALIDATION), (_TEST, _TRAIN), (_VALIDATION, _TRAIN)):
        assignment[(assignment == weaker) & np.isin(groups, groups[assignment == stronger])] = _NOWHERE
    if np.any(assignment == _TRAIN) and not np.any(assignment == _VALIDATION):
        rows = np.flatnonzero(assignment == _TRAIN)
        fraction = section.validation / (section.train + section.validation)
        parts = _stratify(
            dataset.select(rows), groups[rows], [1 - fraction, fraction], seed=section.seed, source_name=source_name
        )
        assignment[rows[parts == _VALIDATION]] = _VALIDATION
    _check_labels(dataset, assignment, source_name=source_name)
    return assignment


def _check_labels(dataset: Dataset, assignment: Splits, *, source_name: str) -> None:
    """Refuse a side without rows, and a label that could not be learned; say which labels are not measured."""
    names: list[str] = dataset.features["label"].names
    labels = np.asarray(dataset["label"][:], dtype=np.int64)
    for index, split in enumerate(SPLITS):
        if not np.any(assignment == index):
            raise DataError(
                f"{source_name}: the {split} set must hold rows, found none; mend the split section, or set "
                "`data.duplicates: drop` where one group of duplicates takes too many"
            )
        counts = np.bincount(labels[assignment == index], minlength=len(names))
        missing = [name for name, count in zip(names, counts, strict=True) if count == 0]
        if missing and index == _TRAIN:
            raise DataError(
                f"{source_name}: every label must have rows in the training set, found none of "
                f"{format_examples(missing)}; merge the labels, or remove the rows"
            )
        if missing:
            logger.warning("%s holds no rows of %s, which is not measured there", split, format_examples(missing))
