"""Where a model fails: on which rows, between which labels, at which lengths, in which years.

Shape letters: N rows, L labels, M mistakes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hf_newscls.evaluation.label_quality import SuspiciousRows, find_suspicious
from hf_newscls.evaluation.metrics import compute_confusion, compute_scores
from hf_newscls.evaluation.statistics.bootstrap import Bootstrap, Interval, compute_intervals, resample_scores

__all__ = ["ConfusedPair", "ErrorAnalysis", "Slice", "analyze_errors", "rank_pairs"]

_LENGTH_PARTS = 5
_SLICE_SCORES = ("accuracy", "balanced_accuracy")
_PAIRS_KEPT = 50

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class ConfusedPair:
    """How often one label was taken for another.

    Attributes:
        reference: what it was.
        prediction: what the model said.
        rows: of the test set.
        fraction: of the reference label's rows.
    """

    reference: str
    prediction: str
    rows: int
    fraction: float


@dataclass(frozen=True)
class Slice:
    """Scores of a part of the test set.

    Attributes:
        name: of the part, as `2021` or `17 to 32 tokens`.
        rows: in it.
        scores: accuracy and balanced_accuracy; no macro score, for a part may lack labels.
        intervals: 95%, of both.
    """

    name: str
    rows: int
    scores: Mapping[str, float]
    intervals: Mapping[str, Interval]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        intervals = {name: [one.low, one.high] for name, one in self.intervals.items()}
        return {"name": self.name, "rows": self.rows, "scores": dict(self.scores), "intervals": intervals}


@dataclass(frozen=True)
class ErrorAnalysis:
    """Where the model failed on the test set.

    Attributes:
        mistakes: shape (M,), places of the rows it was wrong on, the surest mistake first.
        pairs: labels that were taken for another, most rows first.
        by_length: scores by tokens, short texts first; texts that were cut off come last.
        by_year: scores by year, oldest first; none where the rows have no dates.
        suspicious: rows whose label is doubted rather than the model.
    """

    mistakes: Rows
    pairs: Sequence[ConfusedPair]
    by_length: Sequence[Slice]
    by_year: Sequence[Slice]
    suspicious: SuspiciousRows

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON; rows are only counted, and the 50 most confused pairs are kept."""
        return {
            "mistakes": len(self.mistakes),
            "suspicious": len(self.suspicious.indices),
            "most_confused": [asdict(pair) for pair in self.pairs[:_PAIRS_KEPT]],
            "by_length": [part.to_dict() for part in self.by_length],
            "by_year": [part.to_dict() for part in self.by_year],
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
    """Look at the test rows one by one, pair by pair and part by part.

    Args:
        probabilities: (N, L).
        references: (N,) label ids.
        label_names: L names.
        token_counts: (N,) tokens before truncation.
        max_length: tokens that the model reads.
        years: of the rows; None where they have no dates.
        bootstrap: how rows are drawn for intervals.
    """
    predictions = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predictions != references)
    surest = np.argsort(-probabilities[wrong, predictions[wrong]], kind="stable")

    def score(names: Sequence[str], parts: Rows) -> list[Slice]:
        """Score each part that has rows."""
        return [
            _score_slice(name, np.flatnonzero(parts == part), probabilities, references, bootstrap)
            for part, name in enumerate(names)
            if (parts == part).any()
        ]

    return ErrorAnalysis(
        mistakes=wrong[surest],
        pairs=rank_pairs(compute_confusion(probabilities, references), label_names=label_names),
        by_length=score(*_divide_lengths(token_counts, max_length=max_length)),
        by_year=score(*_divide_years(years)) if years is not None else [],
        suspicious=find_suspicious(probabilities.astype(np.float64), references, np.arange(len(references))),
    )


def rank_pairs(confusion: NDArray[np.int64], *, label_names: Sequence[str]) -> list[ConfusedPair]:
    """Return all confusions of two labels, most rows first; of equally many the larger share, then label order.

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
    """Return the names of parts and the part of each row: of texts read whole as many in each as can be."""
    whole = token_counts[token_counts <= max_length]
    fractions = np.linspace(0, 1, _LENGTH_PARTS + 1)[1:]
    ends = np.unique(np.quantile(whole, fractions, method="lower")) if len(whole) else np.empty(0, dtype=np.int64)
    starts = [0, *(ends[:-1] + 1)]
    names = [f"{start:.0f} to {end:.0f} tokens" for start, end in zip(starts, ends, strict=False)]
    return [*names, f"over {max_length} tokens, cut off"], np.searchsorted(ends, token_counts)


def _divide_years(years: Sequence[str]) -> tuple[list[str], Rows]:
    names, parts = np.unique(np.asarray(years), return_inverse=True)
    return names.tolist(), parts.astype(np.int64)


def _score_slice(
    name: str,
    rows: Rows,
    probabilities: NDArray[np.floating[Any]],
    references: Rows,
    bootstrap: Bootstrap,
) -> Slice:
    groups = bootstrap.groups[rows] if bootstrap.groups is not None else None
    part, true = probabilities[rows], references[rows]
    intervals = compute_intervals(resample_scores(part, true, replace(bootstrap, groups=groups)))
    scores = compute_scores(part, true, top_k=[])
    return Slice(
        name=name,
        rows=len(rows),
        scores={score: scores[score] for score in _SLICE_SCORES},
        intervals={score: intervals[score] for score in _SLICE_SCORES},
    )
