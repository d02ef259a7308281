"""Test every pair of models in a table that answered the same rows, and correct for the number of tests."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hf_newscls.evaluation.metric_names import lower_is_better
from hf_newscls.evaluation.metrics import rank_references
from hf_newscls.evaluation.statistics.bootstrap import Bootstrap, Interval, resample_scores, to_interval
from hf_newscls.evaluation.statistics.significance import (
    DrawnScore,
    Verdict,
    choose_resamples,
    compare_scores,
    compute_mcnemar_p,
    draw_scores,
    holm_correction,
    judge_gap,
)
from hf_newscls.report.predictions import PublishedPredictions

_INTERVAL_RESAMPLES = 1000
_SEED = 0


@dataclass(frozen=True)
class Pair:
    """Two models of a table, tested on the rows that both answered; the first ranks higher."""

    first: str
    second: str
    test: str
    gain: float  # by how much the first is better; below 0 if its predictions are worse
    p_value: float  # before the correction
    adjusted_p_value: float = 1.0  # corrected for all tests of the table
    verdict: Verdict = "tied"  # on the first model, by the corrected p-value


def has_same_rows(first: PublishedPredictions | None, second: PublishedPredictions | None) -> bool:
    """Return whether both models answered the same rows with the same labels, in any label order.

    A row's hash covers its label, so different references under equal hashes are made up.
    """
    if first is None or second is None:
        return False
    own, other = np.asarray(first.label_names), np.asarray(second.label_names)
    return (
        sorted(first.label_names) == sorted(second.label_names)
        and list(first.rows) == list(second.rows)
        and np.array_equal(own[first.references], other[second.references])
    )


def has_same_answers(first: PublishedPredictions | None, second: PublishedPredictions | None) -> bool:
    """Return whether both gave the same probabilities to the same rows: one model under two names."""
    if first is None or second is None or not has_same_rows(first, second):
        return False
    return np.array_equal(_sort_labels(first).probabilities, _sort_labels(second).probabilities)


def measure_interval(predictions: PublishedPredictions, metric: str) -> Interval | None:
    """Return the 95% bootstrap interval of a score; None if the bootstrap does not give that score."""
    if not _has_draws(predictions, metric):
        return None
    ordered = _sort_labels(predictions)
    bootstrap = _build_bootstrap(ordered, metric, resamples=_INTERVAL_RESAMPLES)
    draws = resample_scores(ordered.probabilities, ordered.references, bootstrap).scores
    return to_interval(draws[metric]) if metric in draws else None


def compare_pairs(answers: Mapping[str, PublishedPredictions], *, metric: str) -> list[Pair]:
    """Test every pair of models that differ, and correct for the number of tests after Holm.

    Accuracy and top-k accuracy use the exact McNemar test, other scores a paired bootstrap; the calibration error is
    not tested. Copies of a text count once in McNemar's test and are drawn together in the bootstrap, because their
    predictions are right or wrong together. Models with the same answers are one model here: they are no pair, and
    their pairs with another model are one test, because copies must not make all other tests harder to pass.

    The answers are for the same rows in the same order, best model first.
    """
    ordered = {name: _sort_labels(found) for name, found in answers.items()}
    originals = {
        name: next(other for other in ordered if np.array_equal(ordered[other].probabilities, found.probabilities))
        for name, found in ordered.items()
    }
    models = {names: frozenset(originals[name] for name in names) for names in itertools.combinations(answers, 2)}
    tested = [names for names in models if len(models[names]) == 2]
    resamples, k = choose_resamples(len({models[names] for names in tested})), _find_k(metric)
    if k:
        pairs = _test_hits(tested, answers, k=k)
    else:
        drawn = {name: found for name, found in ordered.items() if _has_draws(answers[name], metric)}
        pairs = _test_draws(tested, drawn, metric=metric, resamples=resamples)
    p_values = {models[pair.first, pair.second]: pair.p_value for pair in pairs}
    adjusted = dict(zip(p_values, holm_correction([*p_values.values()]), strict=True))
    judged = []
    for pair in pairs:
        p_value = adjusted[models[pair.first, pair.second]]
        judged.append(replace(pair, adjusted_p_value=p_value, verdict=judge_gap(pair.gain, p_value)))
    return judged


def _test_hits(names: Sequence[tuple[str, str]], answers: Mapping[str, PublishedPredictions], *, k: int) -> list[Pair]:
    if not names:
        return []
    hits = {
        name: rank_references(found.probabilities.astype(np.float64), found.references) < k
        for name, found in answers.items()
    }
    _, texts = np.unique(next(iter(answers.values())).rows, return_index=True)
    pairs = []
    for first, second in names:
        own, other = hits[first], hits[second]
        gain, lead = float(own.mean() - other.mean()), own[texts].mean() - other[texts].mean()
        # A model that is ahead only by copies of a text is not ahead.
        p_value = compute_mcnemar_p(own[texts], other[texts]) if gain * lead > 0 else 1.0
        pairs.append(Pair(first, second, test="exact McNemar test", gain=gain, p_value=p_value))
    return pairs


def _test_draws(
    names: Sequence[tuple[str, str]],
    answers: Mapping[str, PublishedPredictions],
    *,
    metric: str,
    resamples: int,
) -> list[Pair]:
    """Test the pairs that have draws of the metric; the labels of all answers are in one order."""
    sign = -1 if lower_is_better(metric) else 1
    drawn: dict[str, DrawnScore | None] = {}
    for name, found in answers.items():  # for the same rows, so the draws are the same for all models
        bootstrap = _build_bootstrap(found, metric, resamples=resamples)
        drawn[name] = draw_scores(found.probabilities, found.references, bootstrap).by_metric.get(metric)
    pairs = []
    for first, second in names:
        own, other = drawn.get(first), drawn.get(second)
        if own is not None and other is not None:
            score = compare_scores(own, other)
            gain, test = sign * (score.own - score.other), f"paired bootstrap of {resamples:,}"
            pairs.append(Pair(first, second, test=test, gain=gain, p_value=score.p_value))
    return pairs


def _has_draws(predictions: PublishedPredictions, metric: str) -> bool:
    """Return whether labels in sorted order give the same score: average precision depends on the second label."""
    return metric != "average_precision" or list(predictions.label_names) == sorted(predictions.label_names)


def _build_bootstrap(predictions: PublishedPredictions, metric: str, *, resamples: int) -> Bootstrap:
    # Rows with equal hashes are one article.
    _, articles = np.unique(predictions.rows, return_inverse=True)
    k = _find_k(metric)
    return Bootstrap(resamples, _SEED, groups=articles, top_k=[k] if k > 1 else [])


def _find_k(metric: str) -> int:
    """Return the k of a top-k accuracy; 0 for a score that is not a fraction of rows.

    >>> _find_k("accuracy"), _find_k("top_3_accuracy"), _find_k("f1_macro")
    (1, 3, 0)
    """
    if metric == "accuracy":
        return 1
    return int(metric.split("_")[1]) if metric.startswith("top_") else 0


def _sort_labels(predictions: PublishedPredictions) -> PublishedPredictions:
    """Return the predictions with their labels in alphabetical order: each model has its own order."""
    order = sorted(range(len(predictions.label_names)), key=lambda label: predictions.label_names[label])
    return replace(
        predictions,
        label_names=[predictions.label_names[label] for label in order],
        references=np.argsort(order)[predictions.references],
        probabilities=predictions.probabilities[:, order],
    )
