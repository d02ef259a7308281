"""Handle duplicates and conflicting labels as the recipe says, and count them."""

import logging
from dataclasses import dataclass, replace

import numpy as np
from datasets.fingerprint import generate_random_fingerprint
from numpy.typing import NDArray

from hf_newscls.data.cleaning import CleanedRows
from hf_newscls.data.duplicates import DuplicateGroups, find_duplicates, groups_with_conflicting_labels
from hf_newscls.recipe.data import DataSection

GROUP = "duplicate_group"
"""Column of numbers that are equal for rows of one article."""

_HANDLING = {
    "drop": "each is dropped",
    "group": "each will be in the same split as that row",
    "keep": "each can be in another split than that row",
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DuplicateCounts:
    """Duplicates among all rows that can be used."""

    handling: str  # group, drop or keep, as the recipe says
    groups: int  # groups of at least two rows
    rows: int  # rows in those groups
    largest: int  # rows of the largest group; 1 if there are no duplicates
    exact: int  # rows with the same text, after normalization, as an earlier row
    near: int  # rows that are similar to an earlier row, but not equal to one
    conflicting_texts: int  # texts that occur under several labels
    conflicting_rows: int  # rows of those texts


@dataclass(frozen=True)
class DeduplicatedRows:
    """The rows to split, with their group as a column; `cleaned` also counts the rows dropped here.

    `groups`, shape (N,), are equal for rows of one article; `counts` are of all rows, before any was dropped.
    """

    cleaned: CleanedRows
    groups: NDArray[np.int64]
    counts: DuplicateCounts

    @property
    def bound_groups(self) -> NDArray[np.int64]:
        """Groups that must stay in one split: each row by itself if the recipe keeps duplicates."""
        return np.arange(len(self.groups)) if self.counts.handling == "keep" else self.groups


def resolve_duplicates(cleaned: CleanedRows, section: DataSection) -> DeduplicatedRows:
    """Find duplicates and conflicting labels, and drop what the recipe wants dropped.

    Conflicting labels are dropped first, with all rows of their texts. Then the first row of each group is kept.
    """
    found = find_duplicates(cleaned.dataset["text"][:], section.near_duplicates)
    labels = np.asarray(cleaned.dataset["label"][:], dtype=np.int64)
    is_conflicting = np.isin(found.texts, groups_with_conflicting_labels(found.texts, labels))
    counts = _count(found, is_conflicting, handling=section.duplicates)
    rows = np.arange(len(found.groups))
    dropped = dict(cleaned.dropped)
    if section.conflicting_labels == "drop":
        rows = rows[~is_conflicting]
        dropped["conflicting labels"] = int(is_conflicting.sum())
    if section.duplicates == "drop":
        _, firsts = np.unique(found.groups[rows], return_index=True)
        dropped["duplicate"] = len(rows) - len(firsts)
        rows = rows[np.sort(firsts)]
    logger.info(
        "%s; texts with conflicting labels: %s%s",
        _describe(counts),
        f"{counts.conflicting_texts:,}",
        f"; {len(rows):,} of {len(labels):,} rows are left" if len(rows) < len(labels) else "",
    )
    # Without a fingerprint `datasets` would pickle all groups to compute one.
    dataset = cleaned.dataset.add_column(GROUP, found.groups, new_fingerprint=generate_random_fingerprint())
    kept = dataset.select(rows) if len(rows) < len(dataset) else dataset
    return DeduplicatedRows(replace(cleaned, dataset=kept, dropped=dropped), groups=found.groups[rows], counts=counts)


def _describe(counts: DuplicateCounts) -> str:
    total = counts.exact + counts.near
    if not total:
        return "no row is a duplicate of another row"
    rows = "1 row is a duplicate" if total == 1 else f"{total:,} rows are duplicates"
    return f"{rows} of an earlier row ({counts.exact:,} exact, {counts.near:,} near); {_HANDLING[counts.handling]}"


def _count(found: DuplicateGroups, is_conflicting: NDArray[np.bool_], *, handling: str) -> DuplicateCounts:
    _, sizes = np.unique(found.groups, return_counts=True)
    texts = len(np.unique(found.texts))
    return DuplicateCounts(
        handling=handling,
        groups=int((sizes > 1).sum()),
        rows=int(sizes[sizes > 1].sum()),
        largest=int(sizes.max(initial=1)),
        exact=len(found.texts) - texts,
        near=texts - len(sizes),
        conflicting_texts=len(np.unique(found.texts[is_conflicting])),
        conflicting_rows=int(is_conflicting.sum()),
    )
