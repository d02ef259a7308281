"""Wording that cards, tables and pages share: warm-ups, counts of rows and duplicates."""

from dataclasses import replace
from typing import Any

import pytest

from hf_newscls.evaluation.calibration.temperature import TemperatureFit
from hf_newscls.evaluation.statistics.bootstrap import Interval
from hf_newscls.report.text import (
    describe_difference,
    describe_duplicates,
    describe_rows,
    describe_temperature,
    describe_trained_parameters,
    format_warmup,
)
from tests.card_parts import CardParts, build_parts


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (0, "none"),
        (0.07, "first 7% of the steps"),
        (0.125, "first 12.5% of the steps"),
        (1, "first 1 step"),
        (1500.0, "first 1,500 steps"),
    ],
)
def test_warmup_is_a_fraction_or_a_number_of_steps(steps: float, expected: str) -> None:
    assert format_warmup(steps) == expected


def test_rows_are_counted_with_the_reasons_of_dropped_ones() -> None:
    manifest = build_parts().manifest
    assert describe_rows(manifest) == "2,400 of 2,401 rows were used; rows dropped: 1 (empty text)."
    complete = replace(manifest, rows_read=2400, dropped={"empty text": 0})
    assert describe_rows(complete) == "All 2,400 rows were used."


def describe(parts: CardParts, *, leaks: int, dropped: int | None = None, **changes: Any) -> str:
    manifest = replace(
        parts.manifest,
        duplicates=replace(parts.manifest.duplicates, **changes),
        leakage=replace(parts.manifest.leakage, rows=leaks),
        dropped={} if dropped is None else {"duplicate": dropped},
    )
    return describe_duplicates(manifest, parts.recipe)


@pytest.mark.parametrize(
    ("changes", "leaks", "dropped", "expected"),
    [
        ({"handling": "drop"}, 0, 4, "Duplicates removed: 4 (exact 3, near 1)."),
        ({"handling": "drop"}, 0, 3, "Duplicates removed: 3 of 4, after the rows with conflicting labels (exact 3, "),
        ({"handling": "group"}, 0, None, "Duplicates found: 4 (exact 3, near 1). "),
        ({"handling": "group"}, 0, None, " so no test row has a duplicate in the training set. "),
        ({"handling": "group"}, 0, None, " 2 of the 500 test rows would have a duplicate in the training set."),
        ({"handling": "keep"}, 2, None, "Duplicates kept: 4 (exact 3, near 1); 2 test rows have a duplicate in the "),
        ({"handling": "keep"}, 1, None, "; 1 test row has a duplicate in the training set."),
        ({"exact": 0, "near": 0, "rows": 0, "groups": 0}, 0, None, "No duplicates were found."),
    ],
)
def test_duplicates_are_counted_by_kind(
    changes: dict[str, Any], leaks: int, dropped: int | None, expected: str
) -> None:
    assert expected in describe(build_parts(), leaks=leaks, dropped=dropped, **changes)


@pytest.mark.parametrize(
    ("conflicting", "handling", "outcome"),
    [
        ("keep", "group", "all were kept"),
        ("keep", "drop", "the first row of each text was used"),
        ("drop", "drop", "all were dropped"),
    ],
)
def test_conflicting_labels_have_an_outcome(conflicting: str, handling: str, outcome: str) -> None:
    parts = build_parts(data={"conflicting_labels": conflicting})
    text = describe(parts, leaks=0, handling=handling, conflicting_texts=1, conflicting_rows=2)
    assert text.endswith(f" Texts with conflicting labels: 1 (2 rows); {outcome}.")


@pytest.mark.parametrize(("trained", "expected"), [(2000, "all 2,000"), (500, "500 of 2,000 (25.0%)")])
def test_trained_parameters_are_counted(trained: int, expected: str) -> None:
    record = replace(build_parts().record, trained_parameters=trained)
    assert describe_trained_parameters(record) == expected


FIT = TemperatureFit(
    temperature=1.5,
    low=1.2,
    high=1.9,
    rows=300,
    rows_needed=80,
    log_loss=0.5,
    held_out_log_loss=0.4,
    held_out_error=0.02,
)


@pytest.mark.parametrize(
    ("error", "loss", "facts"),
    [
        (0.5, 0.25, ["raises", "from 40.0 to 50.0", "from 0.2000 to 0.2500"]),
        (0.1, 0.15, ["lowers", "from 40.0 to 10.0", "from 0.2000 to 0.1500"]),
        (0.1, 0.25, ["lowers", "from 40.0 to 10.0", "raises", "from 0.2000 to 0.2500"]),
        (0.4, 0.25, ["leaves", "at 40.0", "raises", "from 0.2000 to 0.2500"]),
        (0.4, 0.2, ["leaves", "at 40.0", "at 0.2000"]),
    ],
)
def test_effect_of_the_temperature_on_test_is_described(error: float, loss: float, facts: list[str]) -> None:
    parts = build_parts()
    before = {"calibration_error": 0.4, "log_loss": 0.2}
    test = replace(parts.report.test, scores={"calibration_error": error, "log_loss": loss})
    report = replace(parts.report, test=test, calibration=replace(parts.report.calibration, scores_before=before))
    text = describe_temperature(report, replace(parts.record, temperature=replace(FIT, is_folded=True)))
    assert [fact for fact in ["1.500", "1.200 to 1.900", "300", *facts] if fact not in text] == []


@pytest.mark.parametrize(
    ("changes", "facts"),
    [
        ({"low": 0.9}, ["1.500", "0.900 to 1.900", "300", "80"]),
        ({"low": 0.9, "rows_needed": None}, ["0.900 to 1.900", "300"]),
        ({"held_out_log_loss": 0.49}, ["0.5000", "0.4900", "0.0200"]),
        ({}, ["1.500"]),
    ],
)
def test_temperature_that_was_left_out_has_a_reason(changes: dict[str, Any], facts: list[str]) -> None:
    parts = build_parts()
    text = describe_temperature(parts.report, replace(parts.record, temperature=replace(FIT, **changes)))
    assert [fact for fact in facts if fact not in text] == []
    assert "None" not in text


@pytest.mark.parametrize(
    ("gain", "interval", "expected"),
    [
        (0.046, (0.008, 0.083), "4.6 percentage points more accurate (95% interval: 0.8 to 8.3), a significant"),
        (0.01, (-0.02, 0.04), "1.0 percentage points more accurate (95% interval: -2.0 to 4.0), not a significant"),
        (-0.03, (-0.05, -0.01), "3.0 percentage points less accurate (95% interval: 1.0 to 5.0), a significant"),
    ],
)
def test_difference_is_described(gain: float, interval: tuple[float, float], expected: str) -> None:
    assert expected in describe_difference(gain, Interval(*interval))
