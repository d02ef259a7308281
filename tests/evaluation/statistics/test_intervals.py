"""Bootstrap intervals: what any interval must keep to, and how often it holds the truth."""

import numpy as np
import pytest
from numpy.typing import NDArray

from hf_newscls.evaluation.metrics import compute_label_scores, compute_scores
from hf_newscls.evaluation.statistics.bootstrap import (
    Bootstrap,
    Interval,
    compute_difference,
    compute_intervals,
    compute_label_intervals,
    resample_scores,
)

NAMES = ["accuracy", "balanced_accuracy", "f1_macro", "f1_weighted", "mcc", "top_2_accuracy", "log_loss"]


def draw(
    seed: int, *, rows: int, labels: int = 4, accuracy: float = 0.7
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Draw probabilities whose most probable label is right so often, and references."""
    rng = np.random.default_rng(seed)
    references = rng.integers(0, labels, size=rows)
    best = np.where(rng.random(rows) < accuracy, references, rng.integers(0, labels, size=rows))
    return give(best, labels, rng), references


def give(best: NDArray[np.int64], labels: int, rng: np.random.Generator | None = None) -> NDArray[np.float64]:
    """Return probabilities whose most probable labels are the given ones."""
    rest = np.full((len(best), labels), 1 / labels) if rng is None else rng.dirichlet(np.ones(labels), len(best))
    return 0.45 * rest + 0.55 * np.eye(labels)[best]


def compute(probabilities: NDArray[np.float64], references: NDArray[np.int64]) -> dict[str, float]:
    scores = compute_scores(probabilities, references, top_k=[2])
    return {name: scores[name] for name in NAMES}


def bootstrap(
    probabilities: NDArray[np.float64],
    references: NDArray[np.int64],
    *,
    seed: int = 0,
    resamples: int = 300,
    groups: NDArray[np.int64] | None = None,
) -> dict[str, Interval]:
    plan = Bootstrap(resamples=resamples, seed=seed, groups=groups, top_k=[2])
    return compute_intervals(resample_scores(probabilities, references, plan))


def width(interval: Interval) -> float:
    return interval.high - interval.low


@pytest.mark.parametrize("rows", [30, 300])
@pytest.mark.parametrize("seed", range(3))
def test_interval_holds_the_score(seed: int, rows: int) -> None:
    probabilities, references = draw(seed, rows=rows)
    intervals = bootstrap(probabilities, references)
    for name, score in compute(probabilities, references).items():
        assert intervals[name].low <= score <= intervals[name].high, name


@pytest.mark.parametrize("rows_each", [1, 2, 3])
def test_interval_holds_the_score_where_labels_are_rare(rows_each: int) -> None:
    # Many labels of few rows each, as in the news categories: most plain resamples lack some labels altogether.
    references = np.repeat(np.arange(30), rows_each)
    best = np.where(np.arange(len(references)) % 5 == 0, (references + 1) % 30, references)
    intervals = bootstrap(give(best, 30), references)
    for name, score in compute(give(best, 30), references).items():
        assert intervals[name].low <= score + 1e-9, name
        assert score - 1e-9 <= intervals[name].high, name


def test_label_intervals_hold_the_labels_own_f1() -> None:
    probabilities, references = draw(4, rows=200)
    intervals = compute_label_intervals(resample_scores(probabilities, references, Bootstrap(resamples=300, seed=0)))
    scores = compute_label_scores(probabilities, references, label_names=[*"ABCD"])
    for interval, of_label in zip(intervals, scores.values(), strict=True):
        assert interval.low < of_label["f1"] < interval.high


def test_order_of_the_rows_does_not_bias_the_draws() -> None:
    # All mistakes stand in the second half of the rows of either label.
    references = np.tile([0, 1], 200)
    best = np.where(np.arange(400) < 200, references, 1 - references)
    interval = bootstrap(give(best, 2), references)["accuracy"]
    assert (interval.low + interval.high) / 2 == pytest.approx(0.5, abs=0.02)
    # 1.96 standard errors to either side: sqrt(0.25 / 400) = 0.025.
    assert width(interval) == pytest.approx(2 * 1.96 * 0.025, rel=0.2)


def test_interval_shrinks_with_the_rows() -> None:
    probabilities, references = draw(2, rows=100)
    tiles = [(np.tile(probabilities, (times, 1)), np.tile(references, times)) for times in (1, 4, 16)]
    widths = [width(bootstrap(*tile, resamples=400)["accuracy"]) for tile in tiles]
    # Four times the rows halve the width.
    assert widths[1] == pytest.approx(widths[0] / 2, rel=0.3)
    assert widths[2] == pytest.approx(widths[0] / 4, rel=0.3)


def test_copies_of_an_article_leave_the_interval_as_wide() -> None:
    probabilities, references = draw(2, rows=100)
    copied, groups = (np.repeat(probabilities, 4, axis=0), np.repeat(references, 4)), np.repeat(np.arange(100), 4)
    once = bootstrap(probabilities, references, resamples=400)
    together = bootstrap(*copied, groups=groups, resamples=400)
    assert {name: width(together[name]) for name in NAMES} == pytest.approx({name: width(once[name]) for name in NAMES})
    # As rows of their own they would halve it.
    apart = bootstrap(*copied, resamples=400)
    assert width(apart["accuracy"]) == pytest.approx(width(once["accuracy"]) / 2, rel=0.3)


def test_perfect_predictions_leave_no_doubt() -> None:
    references = np.arange(40) % 2
    intervals = bootstrap(np.eye(2)[references], references)
    assert {interval for name, interval in intervals.items() if "loss" not in name and "brier" not in name} == {
        Interval(1.0, 1.0)
    }


def test_seed_decides_the_draws() -> None:
    first, same, other = (bootstrap(*draw(3, rows=50), seed=seed) for seed in (1, 1, 2))
    assert first == same
    assert first != other


@pytest.mark.parametrize("resamples", [1, 49, 51, 120])
def test_resamples_need_not_fill_a_chunk(resamples: int) -> None:
    # They are drawn fifty at a time.
    found = resample_scores(*draw(3, rows=50), Bootstrap(resamples=resamples, seed=1))
    assert {len(values) for values in found.scores.values()} == {resamples}
    assert found.label_f1.shape == (resamples, 4)


def resample_pair(
    first: NDArray[np.float64], second: NDArray[np.float64], references: NDArray[np.int64]
) -> dict[str, Interval]:
    plan = Bootstrap(resamples=200, seed=0, top_k=[2])
    return compute_difference(*(resample_scores(one, references, plan) for one in (first, second)))


def test_equal_predictions_differ_by_nothing() -> None:
    probabilities, references = draw(4, rows=80)
    assert {*resample_pair(probabilities, probabilities.copy(), references).values()} == {Interval(0.0, 0.0)}


def test_difference_is_first_less_second() -> None:
    better, references = draw(5, rows=200, accuracy=0.9)
    worse = give(np.where(np.arange(200) % 2, (references + 1) % 4, better.argmax(axis=1)), 4)
    gains, losses = resample_pair(better, worse, references), resample_pair(worse, better, references)
    scores, others = compute(better, references), compute(worse, references)
    for name in ("accuracy", "balanced_accuracy", "f1_macro", "f1_weighted", "mcc"):
        assert 0 < gains[name].low <= scores[name] - others[name] <= gains[name].high, name
        assert (losses[name].low, losses[name].high) == pytest.approx((-gains[name].high, -gains[name].low))


def test_label_of_two_rows_puts_none_ahead_in_its_ranking() -> None:
    # A draw of a hundred rows misses the two with a chance of 13%.
    references = np.array([1, 1] + [0] * 98)
    perfect, blind = np.eye(2)[references], np.full((100, 2), 0.5)
    plan = Bootstrap(resamples=200, seed=0).without_strata()
    gains = compute_difference(*(resample_scores(one, references, plan) for one in (perfect, blind)))
    assert gains["roc_auc"].low == gains["average_precision"].low == 0
    assert gains["roc_auc"].high == 0.5


def test_paired_difference_is_narrower_than_its_parts() -> None:
    # Both fail on the same rows but one: what they share cancels out.
    probabilities, references = draw(6, rows=150)
    other = probabilities.copy()
    other[0] = np.roll(other[0], 1)
    difference = resample_pair(probabilities, other, references)["accuracy"]
    assert width(difference) < 0.25 * width(bootstrap(probabilities, references, resamples=200)["accuracy"])


@pytest.mark.slow
def test_intervals_cover_the_truth_in_95_of_100_sets() -> None:
    """A thousand test sets of 600 rows in 500 articles, each from a world whose scores are known."""
    confusion = np.array([[0.85, 0.10, 0.05], [0.15, 0.75, 0.10], [0.10, 0.20, 0.70]])
    fractions = np.array([0.5, 0.3, 0.2])
    truth = _score_world(confusion, fractions)
    rng = np.random.default_rng(17)
    covered = dict.fromkeys(truth, 0)
    for trial in range(1000):
        articles = rng.choice(3, p=fractions, size=500)
        best = np.array([rng.choice(3, p=confusion[label]) for label in articles])
        # A hundred of the articles stand in the set twice.
        groups = np.r_[np.arange(500), np.arange(100)]
        intervals = bootstrap(give(best[groups], 3), articles[groups], groups=groups, seed=trial, resamples=1000)
        for name, value in truth.items():
            covered[name] += intervals[name].low <= value <= intervals[name].high
    assert all(930 <= times <= 970 for times in covered.values()), covered


def _score_world(confusion: NDArray[np.float64], fractions: NDArray[np.float64]) -> dict[str, float]:
    """Return the scores of infinitely many rows, from the share of each label and of each prediction given it."""
    joint = fractions[:, None] * confusion
    hits, predicted = np.diag(joint), joint.sum(axis=0)
    f1 = 2 * hits / (fractions + predicted)
    excess = hits.sum() - predicted @ fractions
    return {
        "accuracy": hits.sum(),
        "balanced_accuracy": np.diag(confusion).mean(),
        "f1_macro": f1.mean(),
        "f1_weighted": f1 @ fractions,
        "mcc": excess / np.sqrt((1 - predicted @ predicted) * (1 - fractions @ fractions)),
    }
