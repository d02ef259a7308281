"""Statistics of a news file: rows by label and year, text lengths, duplicates and conflicting labels.

Shape letters: N rows, L labels, Y years, Q quantiles.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from hf_newscls.data.cleaning import CleanedRows
from hf_newscls.data.dates import Dates, count_by_year, to_years
from hf_newscls.data.duplicates import DuplicateGroups, Rows, find_repeated, groups_with_conflicting_labels
from hf_newscls.data.readers.format import FileFormat
from hf_newscls.data.readers.rows import ROW_ID
from hf_newscls.errors import InputError, shorten_text
from hf_newscls.modeling.token_counts import TokenCounts, TokenSummary

LABEL_QUANTILES = {"5%": 0.05, "25%": 0.25, "50%": 0.5, "75%": 0.75, "95%": 0.95}
"""Quantiles of the lengths within a label."""

_QUANTILES = {"min": 0.0, **LABEL_QUANTILES, "99%": 0.99, "max": 1.0}
_SHORTEST = 10
_EXAMPLES = 10
_ROWS_OF_EXAMPLE = 3

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Lengths:
    """Mean and quantiles (by name, each the length of a text) of text lengths in one unit."""

    mean: float
    quantiles: Mapping[str, int]


@dataclass(frozen=True)
class ShownRow:
    """A row as an example; its text is one line of at most 200 characters."""

    id: str
    label: str
    text: str


@dataclass(frozen=True)
class RowGroup:
    """A group of rows as an example; at most three rows are shown, of different kinds where possible."""

    rows: int
    shown: Sequence[ShownRow]


@dataclass(frozen=True)
class GroupSummary:
    """Numbers of some groups, of their rows, and of the rows of the largest group; 0 if there are no groups.

    `extra` counts all rows except the first of each group. `examples` are the largest groups, at most ten, ties in file
    order.
    """

    groups: int
    rows: int
    extra: int
    largest: int
    examples: Sequence[RowGroup]


@dataclass(frozen=True)
class DataOverview:
    """Statistics of a news file.

    Attributes:
        dropped: number of rows that were not kept, by reason.
        label_names: in the order of the label ids.
        label_counts: shape (L,), rows kept.
        years: four digits, ascending, `unknown` last; empty if the file has no dates.
        year_counts: shape (L, Y), rows kept.
        unreadable_dates: rows kept with a value that is not a date; their year is unknown.
        words: lengths in words, separated by white space.
        tokens: lengths in tokens of the recipe's tokenizer, special tokens included.
        token_summary: what the model does not read: tokens that are cut off, and unknown tokens.
        label_tokens: shape (L, Q), the quantiles `LABEL_QUANTILES` of the token counts of each label.
        articles: unique articles among the rows kept; duplicates count once.
        exact_duplicates: groups of rows with equal texts after normalization.
        near_duplicates: groups of rows of one article with different texts.
        conflicting_labels: groups of rows with equal texts and different labels.
        shortest: the shortest texts kept, at most ten, ties in file order.
        files: how each file was read.
    """

    rows_read: int
    rows_kept: int
    dropped: Mapping[str, int]
    label_names: Sequence[str]
    label_counts: Integers
    years: Sequence[str]
    year_counts: Integers
    unreadable_dates: int
    words: Lengths
    tokens: Lengths
    label_tokens: Integers
    token_summary: TokenSummary
    articles: int
    exact_duplicates: GroupSummary
    near_duplicates: GroupSummary
    conflicting_labels: GroupSummary
    shortest: Sequence[ShownRow]
    files: Sequence[FileFormat] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the statistics as plain values, ready for JSON; those of a label are under its name."""
        return asdict(self) | {
            "label_counts": dict(zip(self.label_names, self.label_counts.tolist(), strict=True)),
            "year_counts": self._name_cells(self.year_counts, self.years),
            "label_tokens": self._name_cells(self.label_tokens, [*LABEL_QUANTILES]),
        }

    def _name_cells(self, table: Integers, columns: Sequence[str]) -> dict[str, dict[str, int]]:
        rows = (dict(zip(columns, row, strict=True)) for row in table.tolist())
        return dict(zip(self.label_names, rows, strict=True))


def summarize_rows(
    cleaned: CleanedRows,
    groups: DuplicateGroups,
    *,
    token_counts: TokenCounts,
    max_length: int,
    dates: Dates | None = None,
) -> DataOverview:
    """Compute the statistics of the rows that were kept.

    The model reads `max_length` tokens of a text.

    Raises:
        InputError: groups, token counts or dates have another length than the rows.
    """
    dataset, size, tokens = cleaned.dataset, len(cleaned.label_names), token_counts.lengths
    columns = {"groups": groups.groups, "token_counts": tokens} | ({"dates": dates.values} if dates else {})
    for name, column in columns.items():
        if len(column) != len(dataset):
            raise InputError(f"{name}: {len(column)} values for {len(dataset)} rows; pass one value for each row")
    texts, labels = dataset["text"][:], np.asarray(dataset["label"][:], dtype=np.int64)
    years: list[str] = []
    year_counts = np.zeros((size, 0), dtype=np.int64)
    if dates is not None:
        years, year_counts = count_by_year(to_years(dates.values), labels, size=size)
    shortest = np.argsort([len(text) for text in texts], kind="stable")[:_SHORTEST]
    exact, near = find_repeated(groups.texts), groups_with_conflicting_labels(groups.groups, groups.texts)
    conflicting = groups_with_conflicting_labels(groups.texts, labels)
    return DataOverview(
        rows_read=cleaned.rows_read,
        rows_kept=len(dataset),
        dropped=dict(cleaned.dropped),
        label_names=cleaned.label_names,
        label_counts=np.bincount(labels, minlength=size),
        years=years,
        year_counts=year_counts,
        unreadable_dates=len(dates.unreadable) if dates else 0,
        words=describe_lengths([len(text.split()) for text in texts]),
        tokens=describe_lengths(tokens),
        label_tokens=np.array([_find_quantiles(tokens[labels == label], LABEL_QUANTILES) for label in range(size)]),
        token_summary=token_counts.summarize(max_length=max_length),
        articles=len(np.unique(groups.groups)),
        exact_duplicates=summarize_groups(dataset, groups.texts, exact, kinds=labels),
        near_duplicates=summarize_groups(dataset, groups.groups, near, kinds=groups.texts),
        conflicting_labels=summarize_groups(dataset, groups.texts, conflicting, kinds=labels),
        shortest=show_rows(dataset, shortest),
        files=cleaned.files,
    )


def describe_lengths(lengths: Sequence[int] | Integers) -> Lengths:
    """Return mean and quantiles of at least one length."""
    values = _find_quantiles(lengths, _QUANTILES).tolist()
    return Lengths(float(np.mean(lengths)), dict(zip(_QUANTILES, values, strict=True)))


def _find_quantiles(lengths: Sequence[int] | Integers, quantiles: Mapping[str, float]) -> Integers:
    return np.quantile(lengths, [*quantiles.values()], method="inverted_cdf").astype(np.int64)


def summarize_groups(dataset: Dataset, groups: Rows, chosen: Rows, *, kinds: Rows) -> GroupSummary:
    """Count the rows of the chosen groups and show the largest groups, rows of different kinds first.

    The rows have `id`, `text` and a `ClassLabel` named `label`; `groups` and `kinds`, of each row, have shape (N,).
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
