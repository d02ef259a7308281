"""Bootstrap intervals: against a plain loop over scikit-learn, and what any interval must keep to."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score

from hf_newscls.evaluation.intervals import Interval, bootstrap_difference, bootstrap_intervals
from hf_newscls.evaluation.metrics import compute_scores

NAMES = ["accuracy", "f1_macro", "f1_weighted"]


def draw(
    seed: int, *, rows: int, labels: int = 4, accuracy: float = 0.7
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    references = rng.integers(0, labels, size=rows)
    guesses = rng.integers(0, labels, size=rows)
    return np.where(rng.random(rows) < accuracy, references, guesses), references


def compute(predictions: NDArray[np.int64], references: NDArray[np.int64], labels: int = 4) -> dict[str, float]:
    scores = compute_scores(np.eye(labels)[predictions], references, top_k=[])
    return {name: scores[name] for name in NAMES}


def test_intervals_are_those_of_a_plain_loop() -> None:
    predictions, references = draw(1, rows=25)
    # Rows in label order; for each, a row of the same label is drawn.
    members = [np.flatnonzero(references == label) for label in np.sort(references)]
    samples = []
    for shares in np.random.default_rng(5).random((60, 25)):
        places = [rows[int(share * len(rows))] for rows, share in zip(members, shares, strict=True)]
        drawn, true = predictions[places], references[places]
        options = {"labels": range(4), "zero_division": 0.0}
        f1s = [f1_score(true, drawn, average=average, **options) for average in ("macro", "weighted")]
        samples.append([accuracy_score(true, drawn), *f1s])
    ends = np.percentile(samples, [2.5, 97.5], axis=0)
    intervals = bootstrap_intervals(predictions, references, num_labels=4, resamples=60, seed=5)
    assert [*intervals] == NAMES
    for place, interval in enumerate(intervals.values()):
        assert (interval.low, interval.high) == pytest.approx((ends[0, place], ends[1, place]))


@pytest.mark.parametrize("rows", [30, 300])
@pytest.mark.parametrize("seed", range(3))
def test_interval_holds_the_score(seed: int, rows: int) -> None:
    predictions, references = draw(seed, rows=rows)
    intervals = bootstrap_intervals(predictions, references, num_labels=4, resamples=300, seed=0)
    for name, score in compute(predictions, references).items():
        assert 0 <= intervals[name].low <= score <= intervals[name].high <= 1, name


@pytest.mark.parametrize("rows_each", [1, 2, 3])
def test_interval_holds_the_score_where_labels_are_rare(rows_each: int) -> None:
    # Many labels of few rows each, as in the news categories: most resamples lack some labels altogether.
    references = np.repeat(np.arange(30), rows_each)
    predictions = np.where(np.arange(len(references)) % 5 == 0, (references + 1) % 30, references)
    intervals = bootstrap_intervals(predictions, references, num_labels=30, resamples=300, seed=0)
    for name, score in compute(predictions, references, labels=30).items():
        assert intervals[name].low <= score <= intervals[name].high, name


def test_order_of_the_rows_does_not_bias_the_draws() -> None:
    # All mistakes stand in the second half of the rows of either label.
    references = np.tile([0, 1], 200)
    predictions = np.where(np.arange(400) < 200, references, 1 - references)
    interval = bootstrap_intervals(predictions, references, num_labels=2, resamples=300, seed=0)["accuracy"]
    assert (interval.low + interval.high) / 2 == pytest.approx(0.5, abs=0.02)
    # 1.96 standard errors to either side: sqrt(0.25 / 400) = 0.025.
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * 0.025, rel=0.2)


def test_interval_shrinks_with_the_rows() -> None:
    predictions, references = draw(2, rows=100)
    widths = []
    for times in (1, 4, 16):
        tiled = np.tile(predictions, times), np.tile(references, times)
        interval = bootstrap_intervals(*tiled, num_labels=4, resamples=400, seed=0)["accuracy"]
        widths.append(interval.high - interval.low)
    # Four times the rows halve the width.
    assert widths[1] == pytest.approx(widths[0] / 2, rel=0.3)
    assert widths[2] == pytest.approx(widths[0] / 4, rel=0.3)


def test_perfect_predictions_leave_no_doubt() -> None:
    references = np.arange(40) % 2
    intervals = bootstrap_intervals(references, references, num_labels=2, resamples=100, seed=0)
    assert intervals == {name: Interval(1.0, 1.0) for name in NAMES}


def test_seed_decides_the_draws() -> None:
    predictions, references = draw(3, rows=50)
    first, same, other = (
        bootstrap_intervals(predictions, references, num_labels=4, resamples=150, seed=seed) for seed in (1, 1, 2)
    )
    assert first == same
    assert first != other


def test_resamples_need_not_fill_a_chunk() -> None:
    # They are drawn a hundred at a time.
    predictions, references = draw(3, rows=50)
    for resamples in (1, 99, 101, 250):
        intervals = bootstrap_intervals(predictions, references, num_labels=4, resamples=resamples, seed=1)
        assert all(interval.low <= interval.high for interval in intervals.values())


def test_equal_predictions_differ_by_nothing() -> None:
    predictions, references = draw(4, rows=80)
    gains = bootstrap_difference([predictions, predictions.copy()], references, num_labels=4, resamples=150, seed=0)
    assert gains == {name: Interval(0.0, 0.0) for name in NAMES}


def test_difference_is_first_less_second() -> None:
    better, references = draw(5, rows=200, accuracy=0.9)
    worse = np.where(np.arange(200) % 2, (references + 1) % 4, better)
    gains = bootstrap_difference([better, worse], references, num_labels=4, resamples=200, seed=0)
    losses = bootstrap_difference([worse, better], references, num_labels=4, resamples=200, seed=0)
    for name, score in compute(better, references).items():
        assert 0 < gains[name].low <= score - compute(worse, references)[name] <= gains[name].high
        assert (losses[name].low, losses[name].high) == pytest.approx((-gains[name].high, -gains[name].low))


def test_paired_difference_is_narrower_than_its_parts() -> None:
    # Both fail on the same rows but one: what they share cancels out.
    predictions, references = draw(6, rows=150)
    other = predictions.copy()
    other[0] = (other[0] + 1) % 4
    difference = bootstrap_difference([predictions, other], references, num_labels=4, resamples=200, seed=0)["accuracy"]
    alone = bootstrap_intervals(predictions, references, num_labels=4, resamples=200, seed=0)["accuracy"]
    assert difference.high - difference.low < 0.25 * (alone.high - alone.low)


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(17)
    covered = 0
    for trial in range(200):
        is_right = rng.random(100) < 0.8
        references = np.zeros(100, dtype=np.int64)
        intervals = bootstrap_intervals(np.where(is_right, 0, 1), references, num_labels=2, resamples=200, seed=trial)
        covered += intervals["accuracy"].low <= 0.8 <= intervals["accuracy"].high
    # 95% are meant; four standard errors of 200 trials are 6 points.
    assert 0.89 <= covered / 200 <= 1.0
