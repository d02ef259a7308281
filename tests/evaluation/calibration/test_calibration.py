"""The fitted temperature is the one that was applied; the threshold is the best on validation; test changes neither."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.metrics import accuracy_score, f1_score, log_loss, matthews_corrcoef

from hf_newscls.evaluation.calibration.calibration import (
    Calibration,
    Threshold,
    build_calibration,
    fit_temperature,
    fit_threshold,
    scale_probabilities,
)
from hf_newscls.evaluation.metrics import compute_scores

Split = tuple[NDArray[np.float64], NDArray[np.int64]]


def draw(temperature: float, *, rows: int = 4000, labels: int = 4, seed: int = 1) -> Split:
    """Draw labels by true probabilities, and return those of a model that is over- or underconfident."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(rows, labels))
    truth = softmax(logits, axis=1)
    references = (truth.cumsum(axis=1) < rng.random((rows, 1))).sum(axis=1)
    return softmax(logits * temperature, axis=1), references


def build(validation: Split, test: Split, names: str = "ABCD", **changes: Any) -> Calibration:
    return build_calibration(validation, test, label_names=[*names], threshold_metric="accuracy", **changes)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_temperature_is_found(temperature: float) -> None:
    assert fit_temperature(*draw(temperature)) == pytest.approx(temperature, rel=0.1)


def test_no_other_temperature_has_a_lower_loss() -> None:
    probabilities, references = draw(2.0, rows=300)
    found = fit_temperature(probabilities, references)
    losses = [
        log_loss(references, scale_probabilities(probabilities, found * factor), labels=range(4))
        for factor in (1, 0.97, 1.03)
    ]
    assert losses[0] == min(losses)


def test_scaling_keeps_the_order_of_the_labels() -> None:
    probabilities, _ = draw(1.0, rows=50)
    for temperature in (0.1, 7.0):
        scaled = scale_probabilities(probabilities, temperature)
        assert (scaled.argsort(axis=1) == probabilities.argsort(axis=1)).all()
        assert scaled.sum(axis=1) == pytest.approx(np.ones(50))


def test_temperature_one_changes_nothing() -> None:
    probabilities, _ = draw(1.0, rows=50)
    assert scale_probabilities(probabilities, 1.0) == pytest.approx(probabilities)


@pytest.mark.parametrize(("references", "expected"), [([0, 1], 0.05), ([1, 0], 20)])
def test_temperature_stays_within_bounds(references: list[int], expected: float) -> None:
    # All right or all wrong: the log loss has no minimum within the bounds.
    assert fit_temperature([[0.6, 0.4], [0.4, 0.6]], references) == pytest.approx(expected, rel=0.02)


def test_probability_zero_is_accepted() -> None:
    probabilities = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], dtype=np.float32)
    assert np.isfinite(fit_temperature(probabilities, [0, 1, 1]))


def test_calibration_fixes_an_overconfident_model() -> None:
    validation, test = draw(3.0, seed=1), draw(3.0, seed=2)
    found = build(validation, test)
    assert found.before.error > 0.15
    assert found.after.error < 0.03
    assert found.scores["calibration_error"] == found.after.error
    assert found.scores["log_loss"] < compute_scores(*test, top_k=[])["log_loss"]


def test_temperature_does_not_depend_on_test_rows() -> None:
    validation = draw(3.0, rows=200)
    first, second = (build(validation, draw(temperature, seed=2)) for temperature in (3.0, 0.3))
    assert first.temperature == second.temperature
    assert first.before.error != second.before.error


def test_config_has_a_threshold_only_for_two_labels() -> None:
    two, three = (build(draw(2.0, labels=size), draw(2.0, labels=size), "ABC"[:size]) for size in (2, 3))
    assert three.to_config() == {"temperature": three.temperature}
    assert two.to_config()["threshold"] == {"label": "B", "probability": two.threshold.probability}


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
