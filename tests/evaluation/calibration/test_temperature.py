"""The fitted temperature is the best one; it counts only if other rows gain from it."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import log_loss

from hf_newscls.evaluation.calibration.temperature import (
    compute_refined_log_loss,
    fit_temperature,
    measure_temperature,
    scale_probabilities,
)
from tests.evaluation.calibration.overconfident import Split, draw


def answer(confidence: float, *, rows: int, wrong: int) -> Split:
    """Return a model that is equally confident on all rows, and wrong on the first ones."""
    references = (np.arange(rows) < wrong).astype(np.int64)
    return np.tile([confidence, 1 - confidence], (rows, 1)), references


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


def test_temperature_and_interval_worked_by_hand() -> None:
    # Confidence 0.9, accuracy 0.75: logits log(9) apart must be log(3) apart, so the temperature is 2. The information
    # of the log temperature is 100 * 0.75 * 0.25 * log(3)^2 = 22.6, its standard error 0.210.
    found = measure_temperature(*answer(0.9, rows=100, wrong=25))
    assert found.temperature == pytest.approx(2, rel=1e-3)
    assert (found.low, found.high) == pytest.approx((2 * np.exp(-0.412), 2 * np.exp(0.412)), rel=1e-3)
    assert found.log_loss == pytest.approx(-(0.75 * np.log(0.9) + 0.25 * np.log(0.1)))
    # 1.96 standard errors, 0.412, become log(2) with a fraction of (0.412 / 0.693)^2 of the rows.
    assert (found.rows, found.rows_needed) == (100, 36)


def test_copies_of_a_row_count_as_one_row() -> None:
    # Four copies have four times the score of the row, and four times its information.
    probabilities, references = draw(2.0, rows=200)
    copies = (np.repeat(probabilities, 4, axis=0), np.repeat(references, 4))
    once, grouped = (
        measure_temperature(probabilities, references),
        measure_temperature(*copies, groups=np.repeat(np.arange(200), 4)),
    )
    for name in ("temperature", "low", "high", "held_out_log_loss", "held_out_error"):
        assert getattr(grouped, name) == pytest.approx(getattr(once, name), rel=1e-5)
    # As rows of their own they look like four times the evidence: half the width.
    single = measure_temperature(*copies)
    assert np.log(single.high / single.low) == pytest.approx(np.log(once.high / once.low) / 2, rel=1e-3)


def test_one_article_has_no_interval() -> None:
    found = measure_temperature(*answer(0.9, rows=8, wrong=2), groups=np.zeros(8))
    assert (found.low, found.high) == pytest.approx((0.05, 20))
    assert not found.is_reliable


def test_held_out_rows_gain_from_a_temperature_of_an_overconfident_model() -> None:
    found = measure_temperature(*draw(3.0))
    assert found.is_reliable
    assert found.held_out_log_loss == pytest.approx(log_loss_at(draw(3.0), found.temperature), abs=1e-3)


def log_loss_at(split: Split, temperature: float) -> float:
    return float(log_loss(split[1], scale_probabilities(split[0], temperature), labels=range(split[0].shape[1])))


def test_temperature_that_hangs_on_one_row_is_not_reliable() -> None:
    # 49 of 50 right at a confidence of 0.73: log(0.73 / 0.27) / log(49) = 0.256. Without the wrong row there is no
    # limit to the confidence, and 0.05 turns the logit of the held-out row into 20.
    found = measure_temperature(*answer(0.73, rows=50, wrong=1))
    assert found.temperature == pytest.approx(0.256, rel=0.01)
    assert not found.includes_one
    assert found.held_out_log_loss == pytest.approx((19.9 + 45 * 0.0225) / 50, rel=0.01)
    assert not found.is_reliable


def test_calibrated_model_needs_no_temperature() -> None:
    found = measure_temperature(*draw(1.0))
    assert found.includes_one
    assert not found.is_reliable
    assert found.rows_needed is None or found.rows_needed > 4000


@pytest.mark.parametrize(
    ("low", "high", "held_out", "error", "expected"),
    [
        (1.5, 2.5, 0.4, 0.05, True),
        (0.2, 0.8, 0.4, 0.05, True),
        (0.8, 2.5, 0.4, 0.05, False),
        (1.0, 2.5, 0.4, 0.05, False),
        (1.5, 2.5, 0.6, 0.05, False),
        (1.5, 2.5, 0.4, 0.15, False),
    ],
)
def test_interval_and_held_out_rows_decide(
    low: float, high: float, held_out: float, error: float, expected: bool
) -> None:
    found = measure_temperature(*answer(0.9, rows=4, wrong=1))
    found = replace(found, low=low, high=high, log_loss=0.5, held_out_log_loss=held_out, held_out_error=error)
    assert found.is_reliable == expected


@pytest.mark.parametrize(
    "split", [answer(0.8, rows=1, wrong=0), answer(0.8, rows=1, wrong=1), answer(0.8, rows=900, wrong=0)]
)
def test_one_row_or_perfect_separation_gives_finite_values_and_no_temperature(split: Split) -> None:
    found = measure_temperature(*split)
    assert np.isfinite([found.temperature, found.low, found.high, found.held_out_log_loss]).all()
    assert found.rows_needed is None
    assert not found.is_reliable


def test_probabilities_that_say_nothing_have_no_temperature() -> None:
    found = measure_temperature(*answer(0.5, rows=6, wrong=3))
    assert (found.low, found.high) == pytest.approx((0.05, 20))
    assert not found.is_reliable


def test_refined_log_loss_worked_by_hand() -> None:
    # At the best temperature the confidence is the accuracy, 0.75.
    expected = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    for confidence in (0.6, 0.9, 0.99):
        split = answer(confidence, rows=100, wrong=25)
        assert compute_refined_log_loss(*split) == pytest.approx(expected, abs=1e-5)


def test_refined_log_loss_prefers_separation_over_calibration() -> None:
    good, calibrated = answer(0.999, rows=100, wrong=10), answer(0.8, rows=100, wrong=20)
    assert log_loss_at(good, 1) > log_loss_at(calibrated, 1)
    assert compute_refined_log_loss(*good) < compute_refined_log_loss(*calibrated)


@pytest.mark.parametrize("rows", [1, 2, 50])
@pytest.mark.parametrize("confidence", [0.6, 1.0])
def test_refined_log_loss_is_finite_without_errors(rows: int, confidence: float) -> None:
    split = answer(confidence, rows=rows, wrong=0)
    found = compute_refined_log_loss(*split)
    assert 0 <= found < 0.01
    assert found == compute_refined_log_loss(*split)
