"""Do with duplicates and contradictions what the recipe says, and count them."""

import logging
from dataclasses import dataclass

import numpy as np
from datasets.fingerprint import generate_random_fingerprint
from numpy.typing import NDArray

from hf_newscls.data.cleaning import CleanedRows
from hf_newscls.data.duplicates import DuplicateGroups, find_duplicates
from hf_newscls.data.groups import groups_with_conflicting_labels
from hf_newscls.recipe.recipe import DataSection

__all__ = ["GROUP", "DeduplicatedRows", "DuplicateCounts", "resolve_duplicates"]

GROUP = "duplicate_group"
"""Column of numbers that are equal for rows of one article."""

Indices = NDArray[np.int64]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DuplicateCounts:
    """Rows that are one article, among all that can be used.

    Attributes:
        handling: group, drop or keep, as the recipe says.
        groups: of two rows or more.
        rows: in those groups.
        largest: rows of the largest group; 1 where there is none.
        equal: rows whose text, after normalization, an earlier row has.
        alike: rows that are like an earlier one without being equal to one.
        contradictory_texts: texts that occur under several labels.
        contradictory_rows: rows of those texts.
    """

    handling: str
    groups: int
    rows: int
    largest: int
    equal: int
    alike: int
    contradictory_texts: int
    contradictory_rows: int


@dataclass(frozen=True)
class DeduplicatedRows:
    """The rows that are split.

    Attributes:
        cleaned: those that remain, with their groups as a column; what was dropped is counted in it.
        groups: shape (N,), equal for rows of one article.
        counts: what was found before anything was dropped.
    """

    cleaned: CleanedRows
    groups: Indices
    counts: DuplicateCounts

    @property
    def bound_groups(self) -> Indices:
        """Groups that must stay on one side of the split: none of several rows where duplicates are kept."""
        return np.arange(len(self.groups)) if self.counts.handling == "keep" else self.groups


def resolve_duplicates(cleaned: CleanedRows, section: DataSection) -> DeduplicatedRows:
    """Find duplicates and contradictions, and drop those that the recipe wants dropped.

    Of a group that is dropped the first row of the file stays. Contradictory rows go first, and all of a text's.

    Args:
        cleaned: what `clean_rows` returned.
        section: the recipe's data section.
    """
    found = find_duplicates(cleaned.dataset["text"][:], section.near_duplicates)
    labels = np.asarray(cleaned.dataset["label"][:], dtype=np.int64)
    is_contradictory = np.isin(found.texts, groups_with_conflicting_labels(found.texts, labels))
    counts = _count(found, is_contradictory, handling=section.duplicates)
    _log(counts)
    rows = np.arange(len(found.groups))
    dropped = dict(cleaned.dropped)
    if section.conflicting_labels == "drop":
        rows = rows[~is_contradictory]
        dropped["contradictory label"] = int(is_contradictory.sum())
    if section.duplicates == "drop":
        _, firsts = np.unique(found.groups[rows], return_index=True)
        dropped["duplicate"] = len(rows) - len(firsts)
        rows = rows[np.sort(firsts)]
    # Without a fingerprint `datasets` would pickle all groups to make one.
    dataset = cleaned.dataset.add_column(GROUP, found.groups, new_fingerprint=generate_random_fingerprint())
    dataset = dataset if len(rows) == len(found.groups) else dataset.select(rows)
    remaining = CleanedRows(dataset, rows_read=cleaned.rows_read, dropped=dropped)
    return DeduplicatedRows(remaining, groups=found.groups[rows], counts=counts)


def _count(found: DuplicateGroups, is_contradictory: NDArray[np.bool_], *, handling: str) -> DuplicateCounts:
    _, sizes = np.unique(found.groups, return_counts=True)
    texts = len(np.unique(found.texts))
    return DuplicateCounts(
        handling=handling,
        groups=int((sizes > 1).sum()),
        rows=int(sizes[sizes > 1].sum()),
        largest=int(sizes.max(initial=1)),
        equal=len(found.texts) - texts,
        alike=texts - len(sizes),
        contradictory_texts=len(np.unique(found.texts[is_contradictory])),
        contradictory_rows=int(is_contradictory.sum()),
    )


def _log(counts: DuplicateCounts) -> None:
    logger.info(
        "found %s repeated texts and %s that are like another; %s texts under several labels",
        f"{counts.equal:,}",
        f"{counts.alike:,}",
        f"{counts.contradictory_texts:,}",
    )
