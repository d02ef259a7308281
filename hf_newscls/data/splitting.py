"""Split rows into train, validation and test: the same way on every machine, and no article in two splits."""

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd
from datasets import Dataset, DatasetDict
from numpy.typing import NDArray

from hf_newscls.data.readers.rows import ROW_ID
from hf_newscls.data.stratification import assign_groups, hash_rows
from hf_newscls.errors import DataError, format_examples, suggest_fix
from hf_newscls.recipe.data import SplitSection

SPLITS = ("train", "validation", "test")
_TRAIN, _VALIDATION, _TEST = range(len(SPLITS))
_LEFT_OUT = -1
SPELLINGS = {
    **dict.fromkeys(("train", "training"), _TRAIN),
    **dict.fromkeys(("validation", "valid", "val", "dev"), _VALIDATION),
    "test": _TEST,
}
"""Index in `SPLITS` of each word for a split."""
_FIX_RARE = "merge labels in data.merge_labels, or set data.min_count and data.rare_labels to drop or merge rare ones"

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
    """Return the split of each row, shape (N,): its index in `SPLITS`, or -1 for a row that is left out.

    The rows have `text`, a `ClassLabel` named `label`, and the column that `predefined` names. The `groups` are equal
    for rows that stay together, and the `dates` are for `by: time`; both have shape (N,).

    - random: stratified by label. A SHA-256 of seed and content decides, so neither the order of the rows (except
      those with equal content) nor the other labels matter. Every split has at least one row of each label.
    - folds: the same, in equal parts; one of them is the test set, the next one validation.
    - time: the groups with the newest rows are the test set, the next newest validation. Not stratified: validation
      or test can lack a label.
    - predefined: as a column says. Without validation rows, a stratified part of the training rows becomes validation.
      If a group is in two splits, its rows stay in test, else in validation, and are left out of the others.

    Raises:
        DataError: labels with too few groups, a split without rows, or a column with other words than the splits'.
        ValueError: no dates were given for `by: time`.
    """
    if section.predefined is not None:
        return _read_splits(dataset, section, groups, source_name=source_name)
    if section.by == "time":
        if dates is None:
            raise ValueError("assign_splits: dates is None, but `by: time` needs dates; read them first")
        return _cut_by_time(dataset, section, groups, dates, source_name=source_name)
    if section.folds is None:
        fractions = [getattr(section, split) for split in SPLITS]
        return _stratify(dataset, groups, fractions, seed=section.seed, source_name=source_name)
    fractions = [1 / section.folds] * section.folds
    folds = _stratify(dataset, groups, fractions, seed=section.seed, source_name=source_name)
    is_test, is_validation = folds == section.fold, folds == (section.fold + 1) % section.folds
    return np.select([is_test, is_validation], [_TEST, _VALIDATION], default=_TRAIN)


def select_splits(dataset: Dataset, splits: Splits) -> DatasetDict:
    """Return the rows of each split, in the file's order."""
    selected = {name: dataset.select(np.flatnonzero(splits == index)) for index, name in enumerate(SPLITS)}
    counts = [f"{len(rows):,} {name}" for name, rows in selected.items()]
    if left_out := int((splits == _LEFT_OUT).sum()):
        counts.append(f"{left_out:,} left out")
    logger.info("split into %s", ", ".join(counts))
    return DatasetDict(selected)


def _stratify(
    dataset: Dataset, groups: Groups, fractions: Sequence[float], *, seed: int, source_name: str
) -> NDArray[np.int64]:
    labels, names = _read_labels(dataset)
    rows = np.bincount(labels, minlength=len(names))
    different = _count_pairs(labels, groups, len(names))
    small = [
        f"{name} ({count})" if count == distinct else f"{name} ({count}, but {distinct} without duplicates)"
        for name, count, distinct in zip(names, rows, different, strict=True)
        if distinct < len(fractions)
    ]
    if small:
        raise DataError(
            f"{source_name}: labels with fewer than {len(fractions)} rows, one for each split: "
            f"{format_examples(small)}; {_FIX_RARE}"
        )
    parts = assign_groups(labels, groups, hash_rows(dataset["text"][:], seed=seed), fractions)
    found = _count_pairs(labels, parts, len(names))
    lacking = [name for name, count in zip(names, found, strict=True) if count < len(fractions)]
    if lacking:
        raise DataError(
            f"{source_name}: too few different texts of {format_examples(lacking)} for every split; set "
            f"`data.duplicates: drop`, or {_FIX_RARE}"
        )
    return parts


def _read_labels(dataset: Dataset) -> tuple[NDArray[np.int64], list[str]]:
    return np.asarray(dataset["label"][:], dtype=np.int64), dataset.features["label"].names


def _count_pairs(labels: NDArray[np.int64], numbers: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Count for each of `size` labels the different numbers that its rows have."""
    pairs = np.unique(np.stack([labels, numbers]), axis=1)
    return np.bincount(pairs[0], minlength=size)


def _cut_by_time(
    dataset: Dataset, section: SplitSection, groups: Groups, dates: NDArray[np.datetime64], *, source_name: str
) -> Splits:
    undated = np.flatnonzero(np.isnat(dates))
    if len(undated):
        offenders = format_examples(dataset.select(undated)[ROW_ID][:])
        raise DataError(
            f"{source_name}: `split.by: time`, but no date in the rows with id {offenders}; "
            "fill them in or set `split.by: random`"
        )
    # Groups of one date are ranked by the smallest key of their rows, so the file's order does not matter.
    _, ranks = np.unique(hash_rows(dataset["text"][:], seed=section.seed), return_inverse=True)
    rows = pd.DataFrame({"group": groups, "date": dates, "rank": ranks})
    ordered = rows.groupby("group").agg(newest=("date", "max"), rank=("rank", "min"), rows=("rank", "size"))
    ordered = ordered.sort_values(["newest", "rank"], ascending=[False, True])
    before = ordered["rows"].cumsum() - ordered["rows"]
    is_test = before < round(len(dataset) * section.test)
    # Counted from the end of the test set, which a large group can make larger than its fraction.
    is_validation = before < ordered["rows"][is_test].sum() + round(len(dataset) * section.validation)
    chosen = np.select([is_test, is_validation], [_TEST, _VALIDATION], default=_TRAIN)
    splits: Splits = pd.Series(chosen, index=ordered.index)[groups].to_numpy()
    _check_labels(dataset, splits, source_name=source_name)
    return splits


def _read_splits(dataset: Dataset, section: SplitSection, groups: Groups, *, source_name: str) -> Splits:
    values = [(value or "").strip() for value in dataset[section.predefined][:]]
    unknown = [value for value in dict.fromkeys(values) if value.lower() not in SPELLINGS]
    if unknown:
        fix = suggest_fix(unknown[0], SPLITS, otherwise="name another column")
        raise DataError(
            f"{source_name}: column {section.predefined!r} of split.predefined holds {format_examples(unknown)}, but "
            f"must say train, validation or test; {fix}"
        )
    splits = np.array([SPELLINGS[value.lower()] for value in values])
    for stronger, weaker in ((_TEST, _VALIDATION), (_TEST, _TRAIN), (_VALIDATION, _TRAIN)):
        splits[(splits == weaker) & np.isin(groups, groups[splits == stronger])] = _LEFT_OUT
    if np.any(splits == _TRAIN) and not np.any(splits == _VALIDATION):
        rows = np.flatnonzero(splits == _TRAIN)
        fraction = section.validation / (section.train + section.validation)
        fractions = [1 - fraction, fraction]
        parts = _stratify(dataset.select(rows), groups[rows], fractions, seed=section.seed, source_name=source_name)
        splits[rows[parts == _VALIDATION]] = _VALIDATION
    _check_labels(dataset, splits, source_name=source_name)
    return splits


def _check_labels(dataset: Dataset, splits: Splits, *, source_name: str) -> None:
    """Refuse an empty split and labels without training rows; warn of labels missing from another split."""
    labels, names = _read_labels(dataset)
    for index, split in enumerate(SPLITS):
        counts = np.bincount(labels[splits == index], minlength=len(names))
        missing = format_examples(name for name, count in zip(names, counts, strict=True) if count == 0)
        if not counts.any():
            raise DataError(
                f"{source_name}: the {split} set has no rows; change the split section, or set "
                "`data.duplicates: drop` if one group of duplicates takes too many"
            )
        if missing and index == _TRAIN:
            raise DataError(f"{source_name}: no rows of {missing} in the training set; {_FIX_RARE}")
        if missing:
            logger.warning("the %s set has no rows of %s, so these labels are not scored there", split, missing)
