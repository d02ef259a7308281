"""Scores before calibration are those without the temperature; the threshold is the best on validation."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

from hf_newscls.evaluation.calibration.calibration import (
    Calibration,
    Threshold,
    build_calibration,
    fit_threshold,
)
from hf_newscls.evaluation.calibration.temperature import scale_probabilities
from hf_newscls.evaluation.metrics import compute_scores
from tests.evaluation.calibration.overconfident import Split, draw


def build(validation: Split, test: Split, names: str = "ABCD", *, temperature: float = 2.0) -> Calibration:
    return build_calibration(
        validation, test, temperature=temperature, label_names=[*names], threshold_metric="accuracy"
    )


def test_scores_before_are_those_without_the_temperature() -> None:
    probabilities, references = draw(3.0)
    saved = scale_probabilities(probabilities, 3.0)
    found = build((saved, references), (saved, references), temperature=3.0)
    before = compute_scores(probabilities, references, top_k=[])
    assert found.scores_before == pytest.approx(
        {name: before[name] for name in ("log_loss", "brier_score", "calibration_error")}
    )
    assert found.before.error == pytest.approx(before["calibration_error"])
    assert found.before.error > 0.15
    assert found.after.error == compute_scores(saved, references, top_k=[])["calibration_error"]
    assert found.after.error < 0.03


def test_model_that_was_not_calibrated_is_the_same_before_and_after() -> None:
    found = build(draw(3.0), draw(3.0), temperature=1.0)
    assert found.before.error == pytest.approx(found.after.error)


def test_config_never_asks_to_apply_the_temperature_again() -> None:
    two, three = (build(draw(2.0, labels=size), draw(2.0, labels=size), "ABC"[:size]) for size in (2, 3))
    assert three.to_config() == {"folded_temperature": 2.0}
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
