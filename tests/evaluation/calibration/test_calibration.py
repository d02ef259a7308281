"""The temperature that was put in is found again, and only validation decides it."""

import json
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
    """Draw labels by true probabilities, and give those as a model that is too sure or too unsure of them."""
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


def test_scaling_keeps_the_order_of_labels() -> None:
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
    # Right or wrong throughout: no temperature would be cold, or hot, enough.
    assert fit_temperature([[0.6, 0.4], [0.4, 0.6]], references) == pytest.approx(expected, rel=0.02)


def test_probability_zero_is_no_obstacle() -> None:
    probabilities = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], dtype=np.float32)
    assert np.isfinite(fit_temperature(probabilities, [0, 1, 1]))


def test_calibration_mends_a_model_that_is_too_sure() -> None:
    validation, test = draw(3.0, seed=1), draw(3.0, seed=2)
    found = build(validation, test)
    assert found.before.error > 0.15
    assert found.after.error < 0.03
    assert found.scores["calibration_error"] == found.after.error
    assert found.scores["log_loss"] < compute_scores(*test, top_k=[])["log_loss"]


def test_test_rows_decide_nothing() -> None:
    validation = draw(3.0, rows=200)
    first, second = (build(validation, draw(temperature, seed=2)) for temperature in (3.0, 0.3))
    assert first.temperature == second.temperature
    assert first.before.error != second.before.error


@pytest.mark.parametrize("names", ["AB", "ABC"])
def test_calibration_survives_json(names: str) -> None:
    found = build(draw(2.0, labels=len(names), seed=1), draw(2.0, labels=len(names), seed=2), names)
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert Calibration.from_dict(content).to_dict() == found.to_dict() == content
    assert (found.threshold is None) == (names == "ABC")


def test_config_says_what_there_is() -> None:
    two, three = (build(draw(2.0, labels=size), draw(2.0, labels=size), "ABC"[:size]) for size in (2, 3))
    assert three.to_config() == {"temperature": three.temperature}
    assert two.to_config()["threshold"] == {"label": "B", "probability": two.threshold.probability}
