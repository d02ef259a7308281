"""Count groups of rows, and choose examples to show.

Shape letter: N rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from datasets import Dataset

from hf_newscls.data.duplicates import Rows
from hf_newscls.data.readers.rows import ROW_ID
from hf_newscls.errors import shorten_text

_EXAMPLES = 10
_ROWS_OF_EXAMPLE = 3


@dataclass(frozen=True)
class ShownRow:
    """A row as an example; its text is one line of at most 200 characters."""

    id: str
    label: str
    text: str


@dataclass(frozen=True)
class RowGroup:
    """A group of rows as an example.

    Attributes:
        rows: size of the group.
        shown: at most three rows, of different kinds where possible.
    """

    rows: int
    shown: Sequence[ShownRow]


@dataclass(frozen=True)
class GroupSummary:
    """Counts of some groups of rows.

    Attributes:
        groups: number of groups.
        rows: rows in all of them.
        extra: redundant rows, that is all except the first of each group.
        largest: rows of the largest group; 0 if there are no groups.
        examples: the largest groups, at most ten, ties in file order.
    """

    groups: int
    rows: int
    extra: int
    largest: int
    examples: Sequence[RowGroup]


def summarize_groups(dataset: Dataset, groups: Rows, chosen: Rows, *, kinds: Rows) -> GroupSummary:
    """Count the rows of the chosen groups and show the largest groups.

    Args:
        dataset: rows with `id`, `text` and a `ClassLabel` named `label`.
        groups: shape (N,), the group of each row.
        chosen: the groups to count.
        kinds: shape (N,), an example shows rows of different kinds first.
    """
    sizes = np.bincount(groups)[chosen]
    largest = chosen[np.argsort(-sizes, kind="stable")][:_EXAMPLES]
    return GroupSummary(
        groups=len(chosen),
        rows=int(sizes.sum()),
        extra=int(sizes.sum()) - len(chosen),
        largest=int(sizes.max(initial=0)),
        examples=[_show_group(dataset, np.flatnonzero(groups == group), kinds) for group in largest],
    )


def show_rows(dataset: Dataset, indices: Sequence[int] | Rows) -> list[ShownRow]:
    """Return some rows as examples, in the given order."""
    chosen = dataset.select(indices)
    labels = chosen.features["label"].int2str(chosen["label"][:])
    return [ShownRow(*row) for row in zip(chosen[ROW_ID], labels, map(shorten_text, chosen["text"]), strict=True)]


def _show_group(dataset: Dataset, members: Rows, kinds: Rows) -> RowGroup:
    _, firsts = np.unique(kinds[members], return_index=True)
    order = [*np.sort(firsts), *np.delete(np.arange(len(members)), firsts)]
    return RowGroup(len(members), show_rows(dataset, members[order][:_ROWS_OF_EXAMPLE]))
