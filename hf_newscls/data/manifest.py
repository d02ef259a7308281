"""Describe a split: what decided it, and its counts."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from datasets import Dataset, DatasetDict
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from hf_newscls.data.deduplication import DuplicateCounts
from hf_newscls.data.readers.format import FileFormat
from hf_newscls.data.readers.rows import ROW_ID
from hf_newscls.data.splitting import SPLITS
from hf_newscls.data.stratification import assign_groups, hash_rows
from hf_newscls.recipe.data import SplitSection
from hf_newscls.recipe.files import SOURCE_KEY
from hf_newscls.recipe.renamed_keys import rename_old_keys

# Keys that version 0.1 wrote to split.json, and their names today.
_RENAMED_KEYS = {
    "way": "strategy",
    "duplicates.equal": "duplicates.exact",
    "duplicates.alike": "duplicates.near",
    "duplicates.contradictory_texts": "duplicates.conflicting_texts",
    "duplicates.contradictory_rows": "duplicates.conflicting_rows",
    "leakage.plain": "leakage.random_split_rows",
    "leakage.plain_test_rows": "leakage.random_split_test_rows",
}


@dataclass(frozen=True)
class Leakage:
    """Rows of the test set that have a duplicate in the training set.

    Attributes:
        rows: rows in the split that was made.
        random_split_rows: rows in a stratified random split of the same rows and seed that ignores duplicates.
        random_split_test_rows: size of the test set of that random split.
    """

    rows: int
    random_split_rows: int
    random_split_test_rows: int


@dataclass(frozen=True)
class SplitManifest:
    """What decided a split, and its counts; saved as `split.json`.

    Attributes:
        source: address of the data file as in the recipe.
        dropped: number of dropped rows by reason.
        strategy: how rows were split, in words.
        fractions: fraction of the rows by split; None if a column or folds decided.
        fingerprint: SHA-256 over the content hash and the split of every row, independent of the order of rows.
        label_counts: rows by split and label.
        row_ids: ids by split, in the file's order.
        files: how each file was read; not known of an older split.
    """

    source: str
    source_sha256: str
    rows_read: int
    dropped: Mapping[str, int]
    strategy: str
    seed: int
    fractions: Mapping[str, float] | None
    fingerprint: str
    label_counts: Mapping[str, Mapping[str, int]]
    row_ids: Mapping[str, Sequence[str]]
    duplicates: DuplicateCounts
    leakage: Leakage
    files: Sequence[FileFormat] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest as plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "SplitManifest":
        """Return the manifest of a split.json, also of version 0.1.

        Raises:
            ValueError: a value is missing or has another type; the message names the first one.
        """
        try:
            return TypeAdapter(cls).validate_python(rename_old_keys(values, _RENAMED_KEYS))
        except ValidationError as error:
            first = error.errors()[0]
            raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def build_manifest(
    splits: DatasetDict,
    section: SplitSection,
    *,
    source: str,
    source_sha256: str,
    rows_read: int,
    dropped: Mapping[str, int],
    duplicates: DuplicateCounts,
    leakage: Leakage,
    files: Sequence[FileFormat],
) -> SplitManifest:
    """Describe a split with its counts and its fingerprint."""
    names: list[str] = splits["train"].features["label"].names
    return SplitManifest(
        source=source,
        source_sha256=source_sha256,
        rows_read=rows_read,
        dropped=dict(dropped),
        strategy=_describe_strategy(section, splits),
        seed=section.seed,
        fractions={split: getattr(section, split) for split in SPLITS} if section.has_fractions else None,
        fingerprint=compute_fingerprint(splits),
        label_counts={split: _count_labels(splits[split]["label"][:], names) for split in SPLITS},
        row_ids={split: splits[split][ROW_ID][:] for split in SPLITS},
        duplicates=duplicates,
        leakage=leakage,
        files=files,
    )


def measure_leakage(
    dataset: Dataset, splits: NDArray[np.int64], *, groups: NDArray[np.int64], section: SplitSection
) -> Leakage:
    """Count the leaks of the splits from `assign_splits`, given the `groups` of one article, both of shape (N,)."""
    kept = np.flatnonzero(splits >= 0)
    dataset, splits, groups = dataset.select(kept), splits[kept], groups[kept]
    labels, keys = np.asarray(dataset["label"][:]), hash_rows(dataset["text"][:], seed=section.seed)
    # If the recipe gives no fractions, the random split has the sizes of this one.
    sizes = np.bincount(splits, minlength=len(SPLITS))
    asked = [getattr(section, split) for split in SPLITS]
    fractions = asked if section.has_fractions else (sizes / sizes.sum()).tolist()
    random_splits = assign_groups(labels, np.arange(len(groups)), keys, fractions)
    return Leakage(
        rows=_count_leaks(groups, splits),
        random_split_rows=_count_leaks(groups, random_splits),
        random_split_test_rows=int((random_splits == SPLITS.index("test")).sum()),
    )


def _count_leaks(groups: NDArray[np.int64], splits: NDArray[np.int64]) -> int:
    """Return the number of test rows with a row of the same group in the training set; both have shape (N,)."""
    train, test = (groups[splits == SPLITS.index(split)] for split in ("train", "test"))
    return int(np.isin(test, train).sum())


def compute_fingerprint(splits: DatasetDict) -> str:
    """Return a SHA-256 over the sorted pairs of split and content of all rows: equal splits have the same."""
    names: list[str] = splits["train"].features["label"].names
    digest = hashlib.sha256()
    for split in sorted(SPLITS):
        rows = zip(splits[split]["text"][:], splits[split]["label"][:], strict=True)
        for content in sorted(hash_row(text, names[label]) for text, label in rows):
            digest.update(f"{split}:{content}\n".encode())
    return digest.hexdigest()


def hash_row(text: str, label_name: str) -> str:
    """Return the SHA-256 of a row's content, which identifies the row without showing its text."""
    return hashlib.sha256(f"{label_name}\n{text}".encode()).hexdigest()


def _describe_strategy(section: SplitSection, splits: DatasetDict) -> str:
    if section.predefined is not None:
        train, validation = ({*splits[split][section.predefined][:]} for split in ("train", "validation"))
        # If the column has no value for validation, the validation rows have the value of the training rows.
        sampled = "; validation sampled from its training rows" if validation <= train else ""
        source = "file" if section.predefined == SOURCE_KEY else f"column {section.predefined}"
        return f"by {source}{sampled}"
    if section.by == "time":
        return "by time, the newest rows in the test set"
    if section.folds is not None:
        return f"fold {section.fold} of {section.folds}, stratified by label"
    return "random, stratified by label"


def _count_labels(labels: Iterable[int], names: Sequence[str]) -> dict[str, int]:
    counts = np.bincount(np.fromiter(labels, dtype=np.int64), minlength=len(names))
    return dict(zip(names, counts.tolist(), strict=True))
