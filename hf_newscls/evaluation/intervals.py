"""Stratified bootstrap intervals of scores, by percentile (Efron 1979)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Interval",
    "bootstrap_difference",
    "bootstrap_intervals",
    "resample_means",
    "resample_scores",
    "to_interval",
]

_LEVEL = 0.95
_CHUNK = 100


@dataclass(frozen=True)
class Interval:
    """A 95% interval, both ends included."""

    low: float
    high: float


def bootstrap_intervals(
    predictions: ArrayLike, references: ArrayLike, *, num_labels: int, resamples: int, seed: int
) -> dict[str, Interval]:
    """Return the 95% interval of accuracy, f1_macro and f1_weighted over resampled rows.

    Args:
        predictions: (N,) label ids.
        references: (N,) label ids.
        num_labels: L; macro F1 is over all of them, as in `compute_scores`.
        resamples: how often N rows are drawn with replacement.
        seed: of the draws.
    """
    samples = resample_scores(predictions, references, num_labels=num_labels, resamples=resamples, seed=seed)
    return {name: to_interval(values) for name, values in samples.items()}


def bootstrap_difference(
    predictions: Sequence[ArrayLike], references: ArrayLike, *, num_labels: int, resamples: int, seed: int
) -> dict[str, Interval]:
    """Return the 95% interval of the paired difference of each score: the first predictions less the second.

    Both are scored on the very same resampled rows, so what is hard for both cancels out. An interval above 0 says
    that the first are better beyond chance.
    """
    first, second = (
        resample_scores(ids, references, num_labels=num_labels, resamples=resamples, seed=seed) for ids in predictions
    )
    return {name: to_interval(first[name] - second[name]) for name in first}


def resample_scores(
    predictions: ArrayLike, references: ArrayLike, *, num_labels: int, resamples: int, seed: int
) -> dict[str, NDArray[np.float64]]:
    """Return accuracy, f1_macro and f1_weighted on each resample; each value has shape (resamples,).

    Equal references, resamples and seed give equal resamples, so the scores of two classifiers are paired.

    Args:
        predictions: (N,) label ids.
        references: (N,) label ids.
        num_labels: L; macro F1 is over all of them.
        resamples: how often N rows are drawn with replacement.
        seed: of the draws.
    """
    predictions, references = np.asarray(predictions), np.asarray(references)
    chunks = [
        _score(predictions[drawn], references[drawn], num_labels)
        for drawn in _draw(references, resamples=resamples, seed=seed)
    ]
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def resample_means(values: ArrayLike, references: ArrayLike, *, resamples: int, seed: int) -> NDArray[np.float64]:
    """Return the mean of the rows' values on each resample, shape (resamples,); paired as `resample_scores` is.

    Args:
        values: (N,) one for each row, such as its loss.
        references: (N,) label ids, within which rows are drawn.
        resamples: how often N rows are drawn with replacement.
        seed: of the draws.
    """
    values = np.asarray(values, dtype=np.float64)
    drawn = _draw(np.asarray(references), resamples=resamples, seed=seed)
    return np.concatenate([values[places].mean(axis=1) for places in drawn])


def to_interval(values: NDArray[np.float64]) -> Interval:
    """Return the 95% interval of resampled values, by percentile."""
    low, high = np.quantile(values, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Interval(float(low), float(high))


def _draw(references: NDArray[np.int64], *, resamples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield the places of rows resampled within each reference label, some hundred resamples of N rows at a time.

    A label of two rows would be missing from one in seven plain resamples and count as a macro F1 of 0 there.
    """
    rng = np.random.default_rng(seed)
    order = np.argsort(references, kind="stable")
    supports = np.bincount(references)
    sizes = supports[references[order]]
    starts = (np.cumsum(supports) - supports)[references[order]]
    for start in range(0, resamples, _CHUNK):
        shares = rng.random((min(_CHUNK, resamples - start), len(order)))
        yield order[starts + (shares * sizes).astype(np.int64)]


def _score(
    predictions: NDArray[np.int64], references: NDArray[np.int64], num_labels: int
) -> dict[str, NDArray[np.float64]]:
    """Score each line of (R, N) ids; F1 comes from counts, for it is 2 hits / (predicted + support)."""
    is_hit = predictions == references
    hits = _count(references, is_hit, num_labels)
    support = _count(references, np.ones_like(is_hit), num_labels)
    predicted = _count(predictions, np.ones_like(is_hit), num_labels)
    f1 = 2 * hits / np.maximum(support + predicted, 1)
    return {
        "accuracy": is_hit.mean(axis=1),
        "f1_macro": f1.mean(axis=1),
        "f1_weighted": (f1 * support).sum(axis=1) / support.sum(axis=1),
    }


def _count(ids: NDArray[np.int64], weights: NDArray[np.bool_], num_labels: int) -> NDArray[np.float64]:
    """Sum the weights by line and label; shape (R, L)."""
    lines = len(ids)
    cells = ids + np.arange(lines)[:, None] * num_labels
    counts = np.bincount(cells.ravel(), weights=weights.ravel().astype(np.float64), minlength=lines * num_labels)
    return counts.reshape(lines, num_labels).astype(np.float64)
