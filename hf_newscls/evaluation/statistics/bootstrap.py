"""Confidence intervals by bootstrap: draw articles with replacement, many times, and score each draw.

Whole articles are drawn (Efron 1979; Field and Welsh 2007), because the predictions for copies of an article are right
or wrong together. If rows were drawn, the intervals would be too narrow.

For the interval of a score the draws are stratified: each has the same number of articles per label as the data.
Otherwise a label of two rows would be missing from one draw in seven. Macro averages of draws without strata cover only
the labels that were drawn.

Nearly all scores follow from sums over rows. So a draw is a vector that says how often each article was drawn, and
matrix products score many draws at once.

Shape letters: N rows, L labels, C articles, R draws, U distinct probabilities.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from hf_newscls.evaluation.metrics import compute_f1, rank_references, score_confusions
from hf_newscls.progress import report_progress

_CHUNK = 50
_LEVEL = 0.95

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Interval(NamedTuple):
    """A 95% confidence interval with both ends; in JSON a list of two numbers."""

    low: float
    high: float

    def __str__(self) -> str:
        """Return both ends with four decimals, for a person."""
        return f"{self.low:.4f} to {self.high:.4f}"


@dataclass(frozen=True)
class Bootstrap:
    """How rows are drawn: R times, whole articles, by default with as many articles of each label as in the data."""

    resamples: int
    seed: int
    groups: Integers | None = None  # (N,), equal for rows of one article; None if each row is an article
    top_k: Sequence[int] = ()  # each k of a `top_k_accuracy`
    is_stratified: bool = True  # if not, macro averages leave out the labels that are not in the draw
    counts_absent: bool = True  # whether macro averages cover the labels without rows in the data, which count 0


@dataclass(frozen=True)
class Resamples:
    """Scores of R draws."""

    scores: dict[str, Floats]  # by metric, as `compute_scores` names them, each of shape (R,)
    label_f1: Floats  # (R, L)
    is_counted: NDArray[np.bool_]  # (R, L), the labels that macro averages cover


def resample_scores(probabilities: ArrayLike, references: ArrayLike, bootstrap: Bootstrap) -> Resamples:
    """Score draws of articles, given (N, L) and (N,) arrays.

    The draws depend only on the references and the bootstrap, so two classifiers are scored on the same draws. All
    scores of `compute_scores` are there except calibration_error, which is larger on a draw than on the data.
    """
    probabilities, references = np.asarray(probabilities, dtype=np.float64), np.asarray(references)
    size = probabilities.shape[1]
    groups = np.arange(len(references)) if bootstrap.groups is None else bootstrap.groups
    _, firsts, articles = np.unique(groups, return_index=True, return_inverse=True)
    cells = references * size + probabilities.argmax(axis=1)
    confusion = csr_matrix((np.ones(len(cells)), (cells, articles)), shape=(size**2, len(firsts)))
    losses = _compute_losses(probabilities, references, bootstrap.top_k)
    sums = {name: np.bincount(articles, weights=values) for name, values in losses.items()}
    is_present = np.bincount(references, minlength=size) > 0
    ranking = _Ranking(probabilities[:, 1], references, articles) if size == is_present.sum() == 2 else None
    chunks, label_f1, is_counted = [], [], []
    strata = references[firsts] if bootstrap.is_stratified else np.zeros_like(firsts)
    for counts in _draw_articles(strata, resamples=bootstrap.resamples, seed=bootstrap.seed):
        confusions = (confusion @ counts).T.reshape(-1, size, size)
        is_drawn = (confusions.sum(axis=2) > 0) | bootstrap.is_stratified
        is_counted.append(np.where(is_present, is_drawn, bootstrap.counts_absent))
        means = {name: values @ counts / confusions.sum(axis=(1, 2)) for name, values in sums.items()}
        ranked = ranking.score(counts) if ranking else {}
        chunks.append(score_confusions(confusions, is_counted=is_counted[-1]) | means | ranked)
        label_f1.append(compute_f1(confusions))
        report_progress("bootstrap", sum(map(len, label_f1)), bootstrap.resamples, unit="resamples")
    scores = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
    return Resamples(scores, np.concatenate(label_f1), np.concatenate(is_counted))


def compute_intervals(resamples: Resamples) -> dict[str, Interval]:
    """Return the 95% interval of each score."""
    return {name: to_interval(values) for name, values in resamples.scores.items()}


def to_interval(values: Floats) -> Interval:
    """Return the 95% percentile interval of the scores of draws."""
    low, high = np.quantile(values, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Interval(float(low), float(high))


def _draw_articles(strata: Integers, *, resamples: int, seed: int) -> Iterator[Floats]:
    """Yield how often each article was drawn, shape (C, at most 50): from each stratum as many as it has."""
    rng = np.random.default_rng(seed)
    order = np.argsort(strata, kind="stable")
    supports = np.bincount(strata)
    sizes = supports[strata[order]]
    starts = (np.cumsum(supports) - supports)[strata[order]]
    for start in range(0, resamples, _CHUNK):
        counts = np.empty((len(order), min(_CHUNK, resamples - start)))
        for column in range(counts.shape[1]):
            drawn = starts + (rng.random(len(order)) * sizes).astype(np.int64)
            counts[order, column] = np.bincount(drawn, minlength=len(order))
        yield counts


def _compute_losses(probabilities: Floats, references: Integers, top_k: Sequence[int]) -> dict[str, Floats]:
    """Return each row's part of the scores that are means over rows, each of shape (N,)."""
    normalized = probabilities / probabilities.sum(axis=1, keepdims=True)
    own = np.take_along_axis(normalized, references[:, None], axis=1)[:, 0]
    squares = (normalized**2).sum(axis=1) - own**2 + (1 - own) ** 2
    ranks = rank_references(probabilities, references)
    return {f"top_{k}_accuracy": (ranks < k).astype(np.float64) for k in top_k} | {
        "log_loss": -np.log(np.maximum(own, np.finfo(np.float64).eps)),
        # scikit-learn halves it for two labels.
        "brier_score": squares / (2 if probabilities.shape[1] == 2 else 1),
    }


class _Ranking:
    """The areas under two curves, for rows that are ranked by the second label's probability; arguments are (N,)."""

    def __init__(self, values: Floats, references: Integers, articles: Integers) -> None:
        # Descending, so that cumulative sums count the rows above a threshold.
        distinct, indices = np.unique(-values, return_inverse=True)
        shape = (len(distinct), int(articles.max()) + 1)
        self._tables = [
            csr_matrix((np.ones(is_of.sum()), (indices[is_of], articles[is_of])), shape=shape)
            for is_of in (references == 0, references == 1)
        ]

    def score(self, counts: Floats) -> dict[str, Floats]:
        """Return roc_auc and average_precision of draws, each of shape (R,).

        Both are 0 for a draw that misses one of the labels, so that no classifier is better on it.
        """
        negatives, positives = (table @ counts for table in self._tables)  # (U, R)
        false, true = np.cumsum(negatives, axis=0), np.cumsum(positives, axis=0)
        # Half of the negatives with an equal probability count as ranked below.
        below = false[-1] - false + negatives / 2
        precision = true / np.maximum(true + false, 1)
        return {
            "roc_auc": (positives * below).sum(axis=0) / np.maximum(true[-1] * false[-1], 1),
            "average_precision": (positives * precision).sum(axis=0) / np.maximum(true[-1], 1),
        }
