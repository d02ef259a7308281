"""The fitted temperature is the one that was applied, and depends only on validation."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.metrics import log_loss

from hf_newscls.evaluation.calibration.calibration import (
    Calibration,
    build_calibration,
    fit_temperature,
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
