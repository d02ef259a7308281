"""Count the rows that belong together, and choose examples to show.

Shape letter: N rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from datasets import Dataset

from hf_newscls.data.groups import Rows
from hf_newscls.data.readers.rows import ROW_ID
from hf_newscls.report.text import shorten_text

__all__ = ["Repeats", "RowGroup", "ShownRow", "show_rows", "summarize_repeats"]

_EXAMPLES = 10
_ROWS_OF_EXAMPLE = 3


@dataclass(frozen=True)
class ShownRow:
    """A row as an example; its text is one line, cut to 200 characters."""

    id: str
    label: str
    text: str


@dataclass(frozen=True)
class RowGroup:
    """A group of rows as an example.

    Attributes:
        rows: of the group.
        shown: at most three of them, one of each kind before a second one of any.
    """

    rows: int
    shown: Sequence[ShownRow]


@dataclass(frozen=True)
class Repeats:
    """Groups of rows.

    Attributes:
        groups: their number.
        rows: rows in them.
        extra: those rows without the first one of each group.
        largest: rows of the largest group, 0 where there is none.
        examples: the largest groups, at most ten, ties in the file's order.
    """

    groups: int
    rows: int
    extra: int
    largest: int
    examples: Sequence[RowGroup]


def summarize_repeats(dataset: Dataset, groups: Rows, chosen: Rows, *, kinds: Rows) -> Repeats:
    """Count the rows of some groups and show the largest ones.

    Args:
        dataset: rows with `id`, `text` and a `ClassLabel` named `label`.
        groups: shape (N,), the group of each row.
        chosen: the groups that count.
        kinds: shape (N,), what tells the rows of a group apart.
    """
    sizes = np.bincount(groups)[chosen]
    largest = chosen[np.argsort(-sizes, kind="stable")][:_EXAMPLES]
    return Repeats(
        groups=len(chosen),
        rows=int(sizes.sum()),
        extra=int(sizes.sum()) - len(chosen),
        largest=int(sizes.max(initial=0)),
        examples=[_show_group(dataset, np.flatnonzero(groups == group), kinds) for group in largest],
    )


def show_rows(dataset: Dataset, indices: Sequence[int] | Rows) -> list[ShownRow]:
    """Return some rows as examples."""
    chosen = dataset.select(indices)
    names: list[str] = dataset.features["label"].names
    return [
        ShownRow(row_id, names[label], shorten_text(text))
        for row_id, label, text in zip(chosen[ROW_ID], chosen["label"], chosen["text"], strict=True)
    ]


def _show_group(dataset: Dataset, members: Rows, kinds: Rows) -> RowGroup:
    _, firsts = np.unique(kinds[members], return_index=True)
    is_first = np.zeros(len(members), dtype=bool)
    is_first[firsts] = True
    order = np.argsort(~is_first, kind="stable")
    return RowGroup(len(members), show_rows(dataset, members[order][:_ROWS_OF_EXAMPLE]))
