"""The threshold is the best on validation, worked by hand and against a plain loop."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

from hf_newscls.evaluation.calibration.threshold import Threshold, fit_threshold

Split = tuple[NDArray[np.float64], NDArray[np.int64]]


def split(values: list[float], references: list[int]) -> Split:
    second = np.array(values)
    return np.stack([1 - second, second], axis=1), np.array(references)


def fit(validation: Split, test: Split | None = None, metric: str = "accuracy") -> Threshold:
    return fit_threshold(validation, test or validation, label="REAL", metric=metric)


def test_threshold_worked_by_hand() -> None:
    # All REAL rows are above 0.2 and all others are not: 0.25 is the midpoint of 0.2 and 0.3.
    found = fit(split([0.1, 0.2, 0.3, 0.4, 0.9], [0, 0, 1, 1, 1]))
    assert found.probability == pytest.approx(0.25)
    assert (found.score, found.plain_score) == (1.0, 0.6)
    assert (found.label, found.metric) == ("REAL", "accuracy")


def test_half_wins_if_nothing_is_better() -> None:
    assert fit(split([0.1, 0.4, 0.6, 0.9], [0, 0, 1, 1])).probability == 0.5


def test_nearest_to_half_wins_a_tie() -> None:
    # 0.15, 0.25 and 0.35 are equally good, and better than 0.5.
    assert fit(split([0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1])).probability == pytest.approx(0.35)


def test_threshold_is_scored_on_test() -> None:
    found = fit(split([0.1, 0.2, 0.3], [0, 0, 1]), split([0.22, 0.3, 0.6, 0.7], [0, 1, 1, 0]))
    assert found.probability == pytest.approx(0.25)
    assert (found.score, found.plain_score) == (3 / 4, 2 / 4)


@pytest.mark.parametrize(
    ("metric", "compute"),
    [
        ("accuracy", accuracy_score),
        ("mcc", matthews_corrcoef),
        ("f1_macro", lambda true, said: f1_score(true, said, average="macro")),
    ],
)
def test_no_other_threshold_is_better(metric: str, compute: object) -> None:
    rng = np.random.default_rng(5)
    references = rng.integers(0, 2, 80)
    validation = split(
        np.clip(0.3 * references + rng.normal(0.25, 0.2, 80), 0, 1).round(2).tolist(), references.tolist()
    )
    found = fit(validation, metric=metric)
    scores = [compute(references, validation[0][:, 1] >= at) for at in np.arange(0.005, 1, 0.01)]  # type: ignore[operator]
    assert found.score == pytest.approx(max(scores))
    assert found.score > found.plain_score


def test_label_without_validation_rows_is_accepted() -> None:
    assert fit(split([0.6, 0.7], [1, 1])).probability == 0.5
