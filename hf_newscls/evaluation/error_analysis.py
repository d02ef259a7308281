"""Where a model fails: on which rows, between which labels, at which text lengths, in which years.

Shape letters: N rows, L labels, M mistakes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_newscls.evaluation.label_quality import SuspiciousRows, find_suspicious
from hf_newscls.evaluation.metrics import compute_confusion, compute_scores
from hf_newscls.evaluation.statistics.bootstrap import Bootstrap, Interval, compute_intervals, resample_scores

_LENGTH_PARTS = 5
_SLICE_SCORES = ("accuracy", "balanced_accuracy")
_PAIRS_KEPT = 50

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class ConfusedPair:
    """How often one label was predicted in place of another."""

    reference: str
    prediction: str
    rows: int
    fraction: float  # of the reference label's test rows


@dataclass(frozen=True)
class Slice:
    """Accuracy and balanced accuracy of a part of the test set; no macro averages, because a part may lack labels."""

    name: str  # as `2021` or `17 to 32 tokens`
    rows: int
    scores: Mapping[str, float]
    intervals: Mapping[str, Interval]


@dataclass(frozen=True)
class ErrorAnalysis:
    """Where the model failed on the test set."""

    mistakes: Rows  # (M,), indices of the rows with a wrong prediction, the most confident first
    pairs: Sequence[ConfusedPair]  # most rows first
    by_length: Sequence[Slice]  # by number of tokens, short texts first; texts that are cut off come last
    by_year: Sequence[Slice]  # oldest first; empty if the rows have no dates
    suspicious: SuspiciousRows  # the label may be wrong, rather than the prediction

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON: counts of rows and the 50 most confused pairs."""
        return {
            "mistakes": len(self.mistakes),
            "suspicious": len(self.suspicious.indices),
            "most_confused": [asdict(pair) for pair in self.pairs[:_PAIRS_KEPT]],
            "by_length": [asdict(part) for part in self.by_length],
            "by_year": [asdict(part) for part in self.by_year],
        }


def analyze_errors(
    probabilities: NDArray[np.floating[Any]],
    references: Rows,
    *,
    label_names: Sequence[str],
    token_counts: Rows,
    max_length: int,
    years: Sequence[str] | None,
    bootstrap: Bootstrap,
) -> ErrorAnalysis:
    """Find the mistakes on the test set, and score its parts.

    Args:
        probabilities: (N, L).
        token_counts: (N,) tokens before truncation; the model reads `max_length` of them.
        years: of the N rows; None if they have no dates.
    """

    def score(names: Iterable[str], parts: Rows) -> list[Slice]:
        """Score each part that has rows."""
        rows_by_part = {name: np.flatnonzero(parts == part) for part, name in enumerate(names)}
        return [
            _score_slice(str(name), rows, probabilities, references, bootstrap)
            for name, rows in rows_by_part.items()
            if len(rows)
        ]

    return ErrorAnalysis(
        mistakes=rank_mistakes(probabilities, references),
        pairs=rank_pairs(compute_confusion(probabilities, references), label_names=label_names),
        by_length=score(*_divide_lengths(token_counts, max_length=max_length)),
        by_year=score(*np.unique(years, return_inverse=True)) if years is not None else [],
        suspicious=find_suspicious(probabilities.astype(np.float64), references, np.arange(len(references))),
    )


def rank_mistakes(probabilities: NDArray[np.floating[Any]], references: Rows) -> Rows:
    """Return the rows with a wrong prediction, the most confident first.

    >>> rank_mistakes(np.array([[0.6, 0.4], [0.9, 0.1], [0.2, 0.8]]), np.array([1, 1, 1])).tolist()
    [1, 0]
    """
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != references)
    return wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")]


def rank_pairs(confusion: NDArray[np.int64], *, label_names: Sequence[str]) -> list[ConfusedPair]:
    """Return all pairs of reference and wrong prediction: most rows first, then the larger fraction, then label order.

    >>> rank_pairs(np.array([[5, 1], [2, 8]]), label_names=["FAKE", "REAL"])[0]
    ConfusedPair(reference='REAL', prediction='FAKE', rows=2, fraction=0.2)
    """
    support = confusion.sum(axis=1)
    pairs = [
        ConfusedPair(label_names[one], label_names[other], int(rows), float(rows / support[one]))
        for (one, other), rows in np.ndenumerate(confusion)
        if one != other and rows
    ]
    return sorted(pairs, key=lambda pair: (-pair.rows, -pair.fraction))


def _divide_lengths(token_counts: Rows, *, max_length: int) -> tuple[list[str], Rows]:
    """Return the names of the parts and the part of each row; texts that are not cut off fall into equal parts."""
    whole = token_counts[token_counts <= max_length]
    fractions = np.linspace(0, 1, _LENGTH_PARTS + 1)[1:]
    ends = np.unique(np.quantile(whole, fractions, method="lower")) if len(whole) else np.empty(0, dtype=np.int64)
    starts = [0, *(ends[:-1] + 1)]
    names = [
        f"{end:.0f} tokens" if start == end else f"{start:.0f} to {end:.0f} tokens"
        for start, end in zip(starts, ends, strict=False)
    ]
    return [*names, f"over {max_length} tokens, cut off"], np.searchsorted(ends, token_counts)


def _score_slice(
    name: str, rows: Rows, probabilities: NDArray[np.floating[Any]], references: Rows, bootstrap: Bootstrap
) -> Slice:
    groups = bootstrap.groups[rows] if bootstrap.groups is not None else None
    part, true = probabilities[rows], references[rows]
    scores = compute_scores(part, true, top_k=[])
    # Not stratified: a label with one row would be in every draw, and the interval too narrow.
    drawn = resample_scores(part, true, replace(bootstrap, groups=groups, is_stratified=False))
    intervals = compute_intervals(drawn)
    return Slice(
        name=name,
        rows=len(rows),
        scores={score: scores[score] for score in _SLICE_SCORES},
        intervals={score: intervals[score] for score in _SLICE_SCORES},
    )
