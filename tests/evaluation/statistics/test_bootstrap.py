"""Draws equal a plain loop over `compute_scores`; intervals behave as intervals must and cover the truth."""

import numpy as np
import pytest
from numpy.typing import NDArray

from hf_newscls.evaluation.metrics import compute_label_scores, compute_scores
from hf_newscls.evaluation.statistics.bootstrap import (
    Bootstrap,
    Interval,
    compute_intervals,
    resample_scores,
    to_interval,
)
from hf_newscls.evaluation.statistics.significance import compare_scores, draw_scores

NAMES = ["accuracy", "balanced_accuracy", "f1_macro", "f1_weighted", "mcc", "top_2_accuracy", "log_loss"]


def draw_rounded(labels: int, *, rows: int = 25) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    rng = np.random.default_rng(labels)
    # Rounding makes some probabilities equal.
    return rng.dirichlet(np.ones(labels), size=rows).round(1) + 1e-6, rng.integers(0, labels, size=rows)


def draw_by_loop(labels: NDArray[np.int64], *, resamples: int, seed: int) -> list[NDArray[np.int64]]:
    """Return the articles of each draw: in label order, each replaced by one of the same label."""
    members = [np.flatnonzero(labels == label) for label in np.sort(labels)]
    rng = np.random.default_rng(seed)
    return [
        np.array(
            [rows[int(fraction * len(rows))] for rows, fraction in zip(members, rng.random(len(labels)), strict=True)]
        )
        for _ in range(resamples)
    ]


@pytest.mark.parametrize("labels", [2, 4])
def test_draws_of_rows_equal_a_plain_loop(labels: int) -> None:
    probabilities, references = draw_rounded(labels)
    found = resample_scores(probabilities, references, Bootstrap(resamples=60, seed=5, top_k=[1, 2]))
    for index, rows in enumerate(draw_by_loop(references, resamples=60, seed=5)):
        expected = compute_scores(probabilities[rows], references[rows], top_k=[1, 2])
        del expected["calibration_error"]
        assert {name: values[index] for name, values in found.scores.items()} == pytest.approx(expected)


def test_draws_of_articles_equal_a_plain_loop() -> None:
    probabilities, references = draw_rounded(4, rows=40)
    groups = np.random.default_rng(1).integers(100, 118, size=40)
    names, firsts = np.unique(groups, return_index=True)
    found = resample_scores(probabilities, references, Bootstrap(resamples=20, seed=5, groups=groups))
    for index, articles in enumerate(draw_by_loop(references[firsts], resamples=20, seed=5)):
        rows = np.concatenate([np.flatnonzero(groups == names[article]) for article in articles])
        expected = compute_scores(probabilities[rows], references[rows], top_k=[])
        del expected["calibration_error"]
        assert {name: values[index] for name, values in found.scores.items()} == pytest.approx(expected)


def test_draws_without_strata_equal_a_plain_loop() -> None:
    probabilities, references = draw_rounded(4, rows=12)
    references[references == 3] = 2
    references[5] = 3  # of a single row
    found = resample_scores(probabilities, references, Bootstrap(resamples=60, seed=5, is_stratified=False))
    for index, rows in enumerate(draw_by_loop(np.zeros_like(references), resamples=60, seed=5)):
        expected = compute_scores(probabilities[rows], references[rows], top_k=[])
        assert found.scores["accuracy"][index] == pytest.approx(expected["accuracy"])
        labels = compute_label_scores(probabilities[rows], references[rows], label_names=[*"ABCD"])
        drawn = [scores["f1"] for scores in labels.values() if scores["support"]]
        assert found.scores["f1_macro"][index] == pytest.approx(np.mean(drawn))
    # The single row is missing from e^-1 of the draws.
    assert 10 < np.sum(~found.is_counted[:, 3]) < 34


def test_ranking_without_one_of_two_labels_scores_0() -> None:
    references = np.array([0, 0, 0, 1])
    bootstrap = Bootstrap(resamples=60, seed=5, is_stratified=False)
    found = resample_scores(np.eye(2)[references], references, bootstrap)
    assert {*found.scores["roc_auc"].tolist()} == {*found.scores["average_precision"].tolist()} == {0.0, 1.0}


def test_label_scores_equal_a_plain_loop() -> None:
    probabilities, references = draw_rounded(3)
    found = resample_scores(probabilities, references, Bootstrap(resamples=10, seed=3))
    for index, rows in enumerate(draw_by_loop(references, resamples=10, seed=3)):
        scores = compute_label_scores(probabilities[rows], references[rows], label_names=[*"ABC"])
        assert found.label_f1[index] == pytest.approx([of_label["f1"] for of_label in scores.values()])


def test_label_without_rows_counts_nothing() -> None:
    references = np.array([0, 1, 0, 1])
    found = resample_scores(np.eye(4)[references], references, Bootstrap(resamples=5, seed=3))
    assert found.scores["f1_macro"].tolist() == [0.5] * 5
    assert found.scores["balanced_accuracy"].tolist() == [1.0] * 5
    assert found.label_f1.tolist() == [[1.0, 1.0, 0.0, 0.0]] * 5


def test_one_label_is_not_ranked() -> None:
    found = resample_scores(np.array([[0.6, 0.4], [0.2, 0.8]]), [0, 0], Bootstrap(resamples=5, seed=3))
    assert "roc_auc" not in found.scores
    assert np.isfinite(found.scores["mcc"]).all()


def draw(
    seed: int, *, rows: int, labels: int = 4, accuracy: float = 0.7
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Draw probabilities with the given accuracy, and references."""
    rng = np.random.default_rng(seed)
    references = rng.integers(0, labels, size=rows)
    best = np.where(rng.random(rows) < accuracy, references, rng.integers(0, labels, size=rows))
    return build_probabilities(best, labels, rng), references


def build_probabilities(
    best: NDArray[np.int64], labels: int, rng: np.random.Generator | None = None
) -> NDArray[np.float64]:
    """Return probabilities with the given labels as the most probable ones."""
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
def test_interval_contains_the_score(seed: int, rows: int) -> None:
    probabilities, references = draw(seed, rows=rows)
    intervals = bootstrap(probabilities, references)
    for name, score in compute(probabilities, references).items():
        assert intervals[name].low <= score <= intervals[name].high, name


@pytest.mark.parametrize("rows_each", [1, 2, 3])
def test_interval_contains_the_score_of_rare_labels(rows_each: int) -> None:
    # Many labels with few rows each, as in the news categories: most unstratified draws lack some labels.
    references = np.repeat(np.arange(30), rows_each)
    best = np.where(np.arange(len(references)) % 5 == 0, (references + 1) % 30, references)
    intervals = bootstrap(build_probabilities(best, 30), references)
    for name, score in compute(build_probabilities(best, 30), references).items():
        assert intervals[name].low <= score + 1e-9, name
        assert score - 1e-9 <= intervals[name].high, name


def test_label_intervals_contain_the_f1() -> None:
    probabilities, references = draw(4, rows=200)
    drawn = resample_scores(probabilities, references, Bootstrap(resamples=300, seed=0))
    intervals = [to_interval(values) for values in drawn.label_f1.T]
    scores = compute_label_scores(probabilities, references, label_names=[*"ABCD"])
    for interval, of_label in zip(intervals, scores.values(), strict=True):
        assert interval.low < of_label["f1"] < interval.high


def test_order_of_the_rows_does_not_bias_the_draws() -> None:
    # All mistakes are in the second half of the rows of each label.
    references = np.tile([0, 1], 200)
    best = np.where(np.arange(400) < 200, references, 1 - references)
    interval = bootstrap(build_probabilities(best, 2), references)["accuracy"]
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
    # Drawn as separate rows they would halve it.
    apart = bootstrap(*copied, resamples=400)
    assert width(apart["accuracy"]) == pytest.approx(width(once["accuracy"]) / 2, rel=0.3)


def test_perfect_predictions_have_intervals_of_width_zero() -> None:
    references = np.arange(40) % 2
    intervals = bootstrap(np.eye(2)[references], references)
    assert {interval for name, interval in intervals.items() if "loss" not in name and "brier" not in name} == {
        Interval(1.0, 1.0)
    }


def test_draws_depend_on_the_seed() -> None:
    first, same, other = (bootstrap(*draw(3, rows=50), seed=seed) for seed in (1, 1, 2))
    assert first == same
    assert first != other


@pytest.mark.parametrize("resamples", [1, 49, 51, 120])
def test_any_number_of_resamples_is_drawn(resamples: int) -> None:
    # They are drawn fifty at a time.
    found = resample_scores(*draw(3, rows=50), Bootstrap(resamples=resamples, seed=1))
    assert {len(values) for values in found.scores.values()} == {resamples}
    assert found.label_f1.shape == (resamples, 4)


def resample_pair(
    first: NDArray[np.float64], second: NDArray[np.float64], references: NDArray[np.int64]
) -> dict[str, Interval]:
    plan = Bootstrap(resamples=200, seed=0, top_k=[2])
    own, other = (draw_scores(one, references, plan).by_metric for one in (first, second))
    return {name: compare_scores(score, other[name]).gain for name, score in own.items()}


def test_equal_predictions_have_a_difference_of_zero() -> None:
    probabilities, references = draw(4, rows=80)
    assert {*resample_pair(probabilities, probabilities.copy(), references).values()} == {Interval(0.0, 0.0)}


def test_difference_is_first_minus_second() -> None:
    better, references = draw(5, rows=200, accuracy=0.9)
    worse = build_probabilities(np.where(np.arange(200) % 2, (references + 1) % 4, better.argmax(axis=1)), 4)
    gains, losses = resample_pair(better, worse, references), resample_pair(worse, better, references)
    scores, others = compute(better, references), compute(worse, references)
    for name in ("accuracy", "balanced_accuracy", "f1_macro", "f1_weighted", "mcc"):
        assert 0 < gains[name].low <= scores[name] - others[name] <= gains[name].high, name
        assert (losses[name].low, losses[name].high) == pytest.approx((-gains[name].high, -gains[name].low))


def test_label_of_two_rows_does_not_decide_the_ranking() -> None:
    # A draw of a hundred rows misses both with a probability of 13%.
    references = np.array([1, 1] + [0] * 98)
    perfect, blind = np.eye(2)[references], np.full((100, 2), 0.5)
    gains = resample_pair(perfect, blind, references)
    assert gains["roc_auc"].low == gains["average_precision"].low == 0
    assert gains["roc_auc"].high == 0.5


def test_paired_difference_is_narrower_than_its_parts() -> None:
    # Both are wrong on the same rows except one, so most of the variance cancels out.
    probabilities, references = draw(6, rows=150)
    other = probabilities.copy()
    other[0] = np.roll(other[0], 1)
    difference = resample_pair(probabilities, other, references)["accuracy"]
    assert width(difference) < 0.25 * width(bootstrap(probabilities, references, resamples=200)["accuracy"])


@pytest.mark.slow
def test_intervals_cover_the_truth_in_95_of_100_sets() -> None:
    """A thousand test sets of 600 rows in 500 articles, drawn from a distribution with known scores."""
    confusion = np.array([[0.85, 0.10, 0.05], [0.15, 0.75, 0.10], [0.10, 0.20, 0.70]])
    fractions = np.array([0.5, 0.3, 0.2])
    truth = _score_world(confusion, fractions)
    rng = np.random.default_rng(17)
    covered = dict.fromkeys(truth, 0)
    for trial in range(1000):
        articles = rng.choice(3, p=fractions, size=500)
        best = np.array([rng.choice(3, p=confusion[label]) for label in articles])
        # A hundred of the articles are in the set twice.
        groups = np.r_[np.arange(500), np.arange(100)]
        intervals = bootstrap(
            build_probabilities(best[groups], 3), articles[groups], groups=groups, seed=trial, resamples=1000
        )
        for name, value in truth.items():
            covered[name] += intervals[name].low <= value <= intervals[name].high
    assert all(930 <= times <= 970 for times in covered.values()), covered


def _score_world(confusion: NDArray[np.float64], fractions: NDArray[np.float64]) -> dict[str, float]:
    """Return the scores of infinitely many rows, given the fraction of each label and its predictions."""
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
