"""Whether the models of a table differ beyond chance: every pair that answered the same rows is tested.

Shape letters: N rows, L labels.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hf_newscls.evaluation.metrics import compute_scores, rank_references
from hf_newscls.evaluation.statistics.bootstrap import Bootstrap, Interval, resample_scores, to_interval
from hf_newscls.evaluation.statistics.significance import (
    Verdict,
    choose_resamples,
    compute_bootstrap_p,
    compute_mcnemar_p,
    holm_correction,
    judge_gap,
)
from hf_newscls.report.predictions import PublishedPredictions

__all__ = ["Pair", "compare_pairs", "has_same_answers", "has_same_rows", "lower_is_better", "measure_interval"]

_LOW_IS_GOOD = ("log_loss", "brier_score", "calibration_error")
_INTERVAL_RESAMPLES = 1000


@dataclass(frozen=True)
class Pair:
    """Two models of a table, tested on the rows that both answered.

    Attributes:
        first: the one that ranks higher.
        second: the other.
        test: by which they were tested.
        gain: by how much the first is better; below 0 where its predictions are worse.
        p_value: of this pair alone.
        adjusted_p_value: corrected for all pairs of the table.
        verdict: how the first stands.
    """

    first: str
    second: str
    test: str
    gain: float
    p_value: float
    adjusted_p_value: float
    verdict: Verdict


def lower_is_better(metric: str) -> bool:
    """Return whether the lower score is the better one."""
    return metric in _LOW_IS_GOOD


def has_same_rows(first: PublishedPredictions, second: PublishedPredictions) -> bool:
    """Return whether both answered the same rows, which have the same labels.

    A row's hash covers its label, so other references under the same hashes are made up.
    """
    return (
        sorted(first.label_names) == sorted(second.label_names)
        and list(first.rows) == list(second.rows)
        and np.array_equal(_order_references(first), _order_references(second))
    )


def has_same_answers(first: PublishedPredictions, second: PublishedPredictions) -> bool:
    """Return whether both gave the same probabilities to the same rows: one model under two names."""
    if not has_same_rows(first, second):
        return False
    own, other = (one.probabilities[:, np.argsort(_index_labels(one))] for one in (first, second))
    return np.array_equal(own, other)


def measure_interval(predictions: PublishedPredictions, metric: str, *, seed: int) -> Interval | None:
    """Return the 95% bootstrap interval of a score; None for a score whose draws say nothing of it."""
    samples = _resample(predictions, metric, Bootstrap(_INTERVAL_RESAMPLES, seed))
    return None if samples is None else to_interval(samples)


def compare_pairs(answers: Mapping[str, PublishedPredictions], *, metric: str, seed: int) -> list[Pair]:
    """Test every pair of models that differ, and correct for their number.

    Accuracy and top-k accuracy go by the exact McNemar test, other scores by a paired bootstrap; the calibration error
    is not tested.

    Args:
        answers: of each model by its name, the best first, all of the same rows in the same order.
        metric: they are ranked by.
        seed: of the bootstrap.
    """
    pairs = _test_hits(answers, metric) if _find_k(metric) else _test_samples(answers, metric, seed=seed)
    adjusted = holm_correction([pair.p_value for pair in pairs])
    return [
        replace(pair, adjusted_p_value=p_value, verdict=judge_gap(pair.gain, p_value))
        for pair, p_value in zip(pairs, adjusted, strict=True)
    ]


def _test_hits(answers: Mapping[str, PublishedPredictions], metric: str) -> list[Pair]:
    hits = {
        name: rank_references(found.probabilities.astype(np.float64), found.references) < _find_k(metric)
        for name, found in answers.items()
    }
    return [
        _build_pair(
            (first, second),
            test="exact McNemar test",
            gain=float(hits[first].mean() - hits[second].mean()),
            p_value=compute_mcnemar_p(hits[first], hits[second]),
        )
        for first, second in _list_pairs(answers)
    ]


def _test_samples(answers: Mapping[str, PublishedPredictions], metric: str, *, seed: int) -> list[Pair]:
    names = _list_pairs(answers)
    resamples = choose_resamples(len(names))
    bootstrap = Bootstrap(resamples, seed, is_stratified=False)
    samples = {name: _resample(found, metric, bootstrap) for name, found in answers.items()}
    sign = -1 if lower_is_better(metric) else 1
    pairs = []
    for first, second in names:
        better, worse = samples[first], samples[second]
        if better is None or worse is None:
            continue
        gain = sign * (_score(answers[first], metric) - _score(answers[second], metric))
        p_value = compute_bootstrap_p(better, worse)
        pairs.append(
            _build_pair((first, second), test=f"paired bootstrap of {resamples:,}", gain=gain, p_value=p_value)
        )
    return pairs


def _list_pairs(answers: Mapping[str, PublishedPredictions]) -> list[tuple[str, str]]:
    """Return every two models; a model and its copy are no pair, or each copy would make all tests harder to pass."""
    return [
        (first, second)
        for first, second in itertools.combinations(answers, 2)
        if not has_same_answers(answers[first], answers[second])
    ]


def _build_pair(names: tuple[str, str], *, test: str, gain: float, p_value: float) -> Pair:
    """Return a pair as it is before it is corrected for the others."""
    first, second = names
    return Pair(first, second, test=test, gain=gain, p_value=p_value, adjusted_p_value=p_value, verdict="tied")


def _resample(predictions: PublishedPredictions, metric: str, bootstrap: Bootstrap) -> NDArray[np.float64] | None:
    """Return the score on each resample, shape (resamples,); the same resamples for all models with the same rows."""
    indices = _index_labels(predictions)
    if metric == "average_precision" and indices.tolist() != sorted(indices):
        return None  # it is of the second label, which is another one here
    columns = np.argsort(indices)
    # Rows of one hash are one article.
    _, articles = np.unique(predictions.rows, return_inverse=True)
    k = _find_k(metric)
    own = replace(bootstrap, groups=articles, top_k=[k] if k > 1 else [])
    found = resample_scores(predictions.probabilities[:, columns], _order_references(predictions), own)
    return found.scores.get(metric)


def _score(predictions: PublishedPredictions, metric: str) -> float:
    return compute_scores(predictions.probabilities, predictions.references, top_k=())[metric]


def _find_k(metric: str) -> int:
    """Return how many labels of a row are looked at; 0 where a score is no share of rows.

    >>> _find_k("accuracy"), _find_k("top_3_accuracy"), _find_k("f1_macro")
    (1, 3, 0)
    """
    if metric == "accuracy":
        return 1
    return int(metric.split("_")[1]) if metric.startswith("top_") else 0


def _index_labels(predictions: PublishedPredictions) -> NDArray[np.int64]:
    """Return the place of each label among their sorted names, shape (L,): each model has an order of its own."""
    indices = {name: index for index, name in enumerate(sorted(predictions.label_names))}
    return np.array([indices[name] for name in predictions.label_names])


def _order_references(predictions: PublishedPredictions) -> NDArray[np.int64]:
    return _index_labels(predictions)[predictions.references]
