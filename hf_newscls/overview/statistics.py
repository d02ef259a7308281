"""What is in a news file: rows by label and year, lengths, repeated articles, contradictions, very short texts.

Shape letters: N rows, L labels, Y years, Q quantiles.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_newscls.data.cleaning import CleanedRows
from hf_newscls.data.duplicates import DuplicateGroups
from hf_newscls.data.groups import find_repeated, groups_with_conflicting_labels
from hf_newscls.errors import InputError
from hf_newscls.overview.examples import Repeats, ShownRow, show_rows, summarize_repeats

__all__ = [
    "LABEL_QUANTILES",
    "DataOverview",
    "Lengths",
    "Truncation",
    "summarize_lengths",
    "summarize_rows",
    "summarize_truncation",
]

LABEL_QUANTILES = {"5%": 0.05, "25%": 0.25, "50%": 0.5, "75%": 0.75, "95%": 0.95}
"""Quantiles of the lengths within a label."""

_QUANTILES = {"min": 0.0, **LABEL_QUANTILES, "99%": 0.99, "max": 1.0}
_SHORTEST = 10
_UNKNOWN = "unknown"

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Lengths:
    """Lengths of the texts in one unit.

    Attributes:
        mean: of the texts.
        quantiles: by name, `min` to `max`; each is the length of some text.
    """

    mean: float
    quantiles: Mapping[str, int]


@dataclass(frozen=True)
class Truncation:
    """What the model does not read.

    Attributes:
        max_length: tokens the model reads of a text, special tokens included.
        texts: texts that are longer.
        text_fraction: those as a fraction of the texts.
        tokens: tokens of all texts.
        cut_tokens: tokens beyond `max_length`.
        cut_fraction: those as a fraction of the tokens.
    """

    max_length: int
    texts: int
    text_fraction: float
    tokens: int
    cut_tokens: int
    cut_fraction: float


@dataclass(frozen=True)
class DataOverview:
    """What is in a news file, before anything is trained.

    Attributes:
        rows_read: rows of the file.
        rows_kept: rows that can be used.
        dropped: the other rows, by reason.
        label_names: in the order of the label ids.
        label_counts: shape (L,), rows kept.
        years: four digits, ascending, `unknown` last; empty where the file has no dates.
        year_counts: shape (L, Y), rows kept.
        words: lengths in words, which are what white space separates.
        tokens: lengths in tokens of the recipe's tokenizer, special tokens included.
        label_tokens: shape (L, Q), the quantiles `LABEL_QUANTILES` of the tokens of each label's texts.
        truncation: what the model does not read.
        articles: articles among the rows kept: rows that are one article count once.
        equal: groups of rows whose texts are equal after normalization.
        alike: groups of rows that are one article although their texts differ.
        contradictions: groups of rows with one text and several labels.
        shortest: the shortest texts kept, at most ten, ties in the file's order.
    """

    rows_read: int
    rows_kept: int
    dropped: Mapping[str, int]
    label_names: Sequence[str]
    label_counts: Integers
    years: Sequence[str]
    year_counts: Integers
    words: Lengths
    tokens: Lengths
    label_tokens: Integers
    truncation: Truncation
    articles: int
    equal: Repeats
    alike: Repeats
    contradictions: Repeats
    shortest: Sequence[ShownRow]

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values, ready for JSON; what there is for each label stands under its name."""
        return asdict(self) | {
            "label_names": [*self.label_names],
            "label_counts": dict(zip(self.label_names, self.label_counts.tolist(), strict=True)),
            "years": [*self.years],
            "year_counts": self._name_rows(self.year_counts, self.years),
            "label_tokens": self._name_rows(self.label_tokens, [*LABEL_QUANTILES]),
        }

    def _name_rows(self, table: Integers, columns: Sequence[str]) -> dict[str, dict[str, int]]:
        rows = (dict(zip(columns, row, strict=True)) for row in table.tolist())
        return dict(zip(self.label_names, rows, strict=True))


def summarize_rows(
    cleaned: CleanedRows,
    groups: DuplicateGroups,
    *,
    token_counts: Sequence[int],
    max_length: int,
    dates: NDArray[np.datetime64] | None = None,
) -> DataOverview:
    """Describe the rows that were kept.

    Args:
        cleaned: the rows.
        groups: which of them are one article.
        token_counts: tokens of each, special tokens included, before truncation.
        max_length: tokens the model reads.
        dates: shape (N,), NaT where a row has none; None where the file has none.

    Raises:
        InputError: groups, token counts or dates are not one for each row.
    """
    dataset, size = cleaned.dataset, len(cleaned.label_names)
    _check_sizes(len(dataset), groups=groups.groups, token_counts=token_counts, dates=dates)
    texts, labels = dataset["text"][:], np.asarray(dataset["label"][:], dtype=np.int64)
    tokens = np.asarray(token_counts, dtype=np.int64)
    years, year_counts = _count_years(dates, labels, size=size)
    shortest = np.argsort([len(text) for text in texts], kind="stable")[:_SHORTEST]
    equal, alike = find_repeated(groups.texts), groups_with_conflicting_labels(groups.groups, groups.texts)
    return DataOverview(
        rows_read=cleaned.rows_read,
        rows_kept=len(dataset),
        dropped=dict(cleaned.dropped),
        label_names=cleaned.label_names,
        label_counts=np.bincount(labels, minlength=size),
        years=years,
        year_counts=year_counts,
        words=summarize_lengths([len(text.split()) for text in texts]),
        tokens=summarize_lengths(tokens),
        label_tokens=np.array([_find_quantiles(tokens[labels == label], LABEL_QUANTILES) for label in range(size)]),
        truncation=summarize_truncation(tokens, max_length=max_length),
        articles=len(np.unique(groups.groups)),
        equal=summarize_repeats(dataset, groups.texts, equal, kinds=labels),
        alike=summarize_repeats(dataset, groups.groups, alike, kinds=groups.texts),
        contradictions=summarize_repeats(
            dataset, groups.texts, groups_with_conflicting_labels(groups.texts, labels), kinds=labels
        ),
        shortest=show_rows(dataset, shortest),
    )


def summarize_lengths(lengths: Sequence[int] | Integers) -> Lengths:
    """Return mean and quantiles of some lengths, at least one.

    >>> summarize_lengths([1, 2, 3, 10]).quantiles["50%"]
    2
    """
    values = np.asarray(lengths, dtype=np.int64)
    return Lengths(
        float(values.mean()), dict(zip(_QUANTILES, _find_quantiles(values, _QUANTILES).tolist(), strict=True))
    )


def summarize_truncation(token_counts: Sequence[int] | Integers, *, max_length: int) -> Truncation:
    """Return what is cut off of texts of these numbers of tokens, at least one text.

    >>> summarize_truncation([4, 10, 16], max_length=10)
    Truncation(max_length=10, texts=1, text_fraction=0.3333333333333333, tokens=30, cut_tokens=6, cut_fraction=0.2)
    """
    counts = np.asarray(token_counts, dtype=np.int64)
    is_cut, tokens = counts > max_length, int(counts.sum())
    cut = int((counts - max_length)[is_cut].sum())
    return Truncation(max_length, int(is_cut.sum()), float(is_cut.mean()), tokens, cut, cut / tokens)


def _check_sizes(rows: int, **columns: Sequence[Any] | NDArray[Any] | None) -> None:
    sizes = {name: len(values) for name, values in columns.items() if values is not None}
    if {*sizes.values()} != {rows}:
        raise InputError(f"overview: each column must hold a value for each of {rows} rows, got {sizes}; pass all rows")


def _count_years(dates: NDArray[np.datetime64] | None, labels: Integers, *, size: int) -> tuple[list[str], Integers]:
    """Return the years that occur, an unknown one last, and the rows of each label and year, shape (L, Y)."""
    if dates is None:
        return [], np.zeros((size, 0), dtype=np.int64)
    years, indices = np.unique(dates.astype("datetime64[Y]"), return_inverse=True)
    counts = np.bincount(labels * len(years) + indices, minlength=size * len(years)).reshape(size, len(years))
    return [_UNKNOWN if np.isnat(year) else str(year) for year in years], counts


def _find_quantiles(lengths: Integers, quantiles: Mapping[str, float]) -> Integers:
    return np.quantile(lengths, [*quantiles.values()], method="inverted_cdf").astype(np.int64)
