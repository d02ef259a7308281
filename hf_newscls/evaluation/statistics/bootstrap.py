"""Draw whole articles anew, many times, and score each draw.

A bootstrap (Efron 1979) of clusters: rows that are one article are drawn together, for they are right or wrong
together, and counting them apart would make intervals too narrow (Field and Welsh 2007). For a score it is stratified:
of each label as many articles are drawn as there are, or else a label of two rows would be missing from one in seven
draws. Where two classifiers compete it is not, or else a label of one row, drawn every time, would decide by
itself; macro averages are then of the labels that were drawn.

Nearly all scores follow from sums over rows, so a draw is a vector of how often each article was drawn, and all draws
are scored by a few products of matrices.

Shape letters: N rows, L labels, C articles, R draws, U distinct probabilities.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from hf_newscls.evaluation.confusion_scores import compute_f1, score_confusions
from hf_newscls.evaluation.metrics import rank_references

__all__ = [
    "Bootstrap",
    "Interval",
    "Resamples",
    "compute_difference",
    "compute_intervals",
    "compute_label_intervals",
    "resample_scores",
    "to_interval",
]

_CHUNK = 50

Draws = NDArray[np.float64]


@dataclass(frozen=True)
class Bootstrap:
    """How rows are drawn anew.

    Attributes:
        resamples: R.
        seed: of the draws.
        groups: (N,), equal for rows that are one article and hence drawn together; None if no two rows are.
        top_k: each k of a `top_k_accuracy`.
        is_stratified: whether each draw has as many articles of each label as there are. If not, its macro averages
            leave labels out that none of its articles has.
    """

    resamples: int
    seed: int
    groups: NDArray[np.int64] | None = None
    top_k: Sequence[int] = ()
    is_stratified: bool = True

    def without_strata(self) -> "Bootstrap":
        """Return it for a difference of two classifiers, where a label of one or two articles must decide nothing."""
        return replace(self, is_stratified=False)


@dataclass(frozen=True)
class Resamples:
    """Scores of R draws.

    Attributes:
        scores: by metric, as `compute_scores` names them, each of shape (R,).
        label_f1: shape (R, L).
        is_counted: shape (R, L), the labels that macro averages are of.
    """

    scores: dict[str, Draws]
    label_f1: Draws
    is_counted: NDArray[np.bool_]


def resample_scores(probabilities: ArrayLike, references: ArrayLike, bootstrap: Bootstrap) -> Resamples:
    """Score draws of articles; equal references and an equal bootstrap give equal draws, whatever the probabilities.

    All that `compute_scores` computes is there but calibration_error: chance adds to it, so that its draws lie above
    what they are draws of.

    Args:
        probabilities: (N, L).
        references: (N,) label ids.
        bootstrap: how rows are drawn.
    """
    probabilities, references = np.asarray(probabilities, dtype=np.float64), np.asarray(references)
    firsts, articles = _number_articles(bootstrap.groups, rows=len(references))
    cells = references * probabilities.shape[1] + probabilities.argmax(axis=1)
    confusion = csr_matrix((np.ones(len(cells)), (cells, articles)), shape=(probabilities.shape[1] ** 2, len(firsts)))
    losses = _sum_by_article(_compute_losses(probabilities, references, bootstrap.top_k), articles, size=len(firsts))
    ranking = _Ranking(probabilities[:, 1], references, articles) if _is_ranked(probabilities, references) else None
    is_present = np.bincount(references, minlength=probabilities.shape[1]) > 0
    chunks, label_f1, counted = [], [], []
    strata = references[firsts] if bootstrap.is_stratified else np.zeros_like(firsts)
    for counts in _draw_articles(strata, resamples=bootstrap.resamples, seed=bootstrap.seed):
        drawn = (confusion @ counts).T.reshape(-1, probabilities.shape[1], probabilities.shape[1])
        rows = drawn.sum(axis=(1, 2))
        means = {name: values @ counts / rows for name, values in losses.items()}
        counted.append((drawn.sum(axis=2) > 0) | ~is_present | bootstrap.is_stratified)
        scored = score_confusions(drawn, is_counted=counted[-1])
        chunks.append(scored | means | (ranking.score(counts) if ranking else {}))
        label_f1.append(compute_f1(drawn))
    scores = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
    return Resamples(scores, np.concatenate(label_f1), np.concatenate(counted))


def _number_articles(groups: NDArray[np.int64] | None, *, rows: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first row of each article (C,), and the article of each row (N,)."""
    if groups is None:
        return np.arange(rows), np.arange(rows)
    _, firsts, articles = np.unique(groups, return_index=True, return_inverse=True)
    return firsts, articles


def _draw_articles(strata: NDArray[np.int64], *, resamples: int, seed: int) -> Iterator[Draws]:
    """Yield how often each article was drawn, shape (C, at most 50): of each stratum's as many as there are."""
    rng = np.random.default_rng(seed)
    order = np.argsort(strata, kind="stable")
    supports = np.bincount(strata)
    sizes = supports[strata[order]]
    starts = (np.cumsum(supports) - supports)[strata[order]]
    for start in range(0, resamples, _CHUNK):
        lines = min(_CHUNK, resamples - start)
        counts = np.empty((len(order), lines))
        for line in range(lines):
            drawn = starts + (rng.random(len(order)) * sizes).astype(np.int64)
            counts[order, line] = np.bincount(drawn, minlength=len(order))
        yield counts


def _compute_losses(
    probabilities: NDArray[np.float64], references: NDArray[np.int64], top_k: Sequence[int]
) -> dict[str, NDArray[np.float64]]:
    """Return what each row adds to the scores that are means over rows, each of shape (N,)."""
    normalized = probabilities / probabilities.sum(axis=1, keepdims=True)
    own = np.take_along_axis(normalized, references[:, None], axis=1)[:, 0]
    # The squares of all labels, that of the row's own put right; scikit-learn halves it for two labels.
    squares = (normalized**2).sum(axis=1) - own**2 + (1 - own) ** 2
    indices = rank_references(probabilities, references)
    return {f"top_{k}_accuracy": (indices < k).astype(np.float64) for k in top_k} | {
        "log_loss": -np.log(np.maximum(own, np.finfo(np.float64).eps)),
        "brier_score": squares / (2 if probabilities.shape[1] == 2 else 1),
    }


def _sum_by_article(
    values: dict[str, NDArray[np.float64]], articles: NDArray[np.int64], *, size: int
) -> dict[str, NDArray[np.float64]]:
    return {
        name: np.bincount(articles, weights=column, minlength=size).astype(np.float64)
        for name, column in values.items()
    }


def _is_ranked(probabilities: NDArray[np.float64], references: NDArray[np.int64]) -> bool:
    return bool(probabilities.shape[1] == len(np.unique(references)) == 2)


class _Ranking:
    """The area under two curves of draws of rows that are ranked by the second label's probability.

    Args:
        values: (N,) probabilities of the second label.
        references: (N,) 0 or 1.
        articles: (N,) of the rows.
    """

    def __init__(self, values: NDArray[np.float64], references: NDArray[np.int64], articles: NDArray[np.int64]) -> None:
        # Descending, so that running sums count the rows that a threshold lets through.
        distinct, indices = np.unique(-values, return_inverse=True)
        shape = (len(distinct), int(articles.max()) + 1)
        self._tables = [
            csr_matrix((np.ones(is_of.sum()), (indices[is_of], articles[is_of])), shape=shape)
            for is_of in (references == 0, references == 1)
        ]

    def score(self, counts: Draws) -> dict[str, Draws]:
        """Return roc_auc and average_precision of draws, each of shape (R,).

        Both are 0 for a draw without one of the labels, whatever the classifier, so that on it none is ahead.
        """
        negatives, positives = (table @ counts for table in self._tables)  # (U, R)
        false, true = np.cumsum(negatives, axis=0), np.cumsum(positives, axis=0)
        # Of a tie half the negatives count as below.
        below = false[-1] - false + negatives / 2
        precision = true / np.maximum(true + false, 1)
        return {
            "roc_auc": (positives * below).sum(axis=0) / np.maximum(true[-1] * false[-1], 1),
            "average_precision": (positives * precision).sum(axis=0) / np.maximum(true[-1], 1),
        }


_LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A 95% interval, both ends included."""

    low: float
    high: float


def compute_intervals(resamples: Resamples) -> dict[str, Interval]:
    """Return the 95% interval of each score, as `compute_scores` names them; calibration_error has none."""
    return {name: to_interval(values) for name, values in resamples.scores.items()}


def compute_label_intervals(resamples: Resamples) -> list[Interval]:
    """Return the 95% interval of each label's F1, in label order."""
    return [to_interval(values) for values in resamples.label_f1.T]


def compute_difference(first: Resamples, second: Resamples) -> dict[str, Interval]:
    """Return the 95% interval of the paired difference of each score: the first less the second.

    Both must come from the very same draws, so that what is hard for both cancels out. An interval above 0 says that
    the first is better beyond chance; of log_loss and brier_score, where less is better, that it is worse.
    """
    return {name: to_interval(first.scores[name] - second.scores[name]) for name in first.scores}


def to_interval(values: NDArray[np.float64]) -> Interval:
    """Return the 95% interval of scores of draws, by percentile."""
    low, high = np.quantile(values, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Interval(float(low), float(high))
