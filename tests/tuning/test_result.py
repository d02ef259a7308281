"""What a search found: the best trial, importances, and the report."""

from datetime import timedelta
from pathlib import Path

import pytest

from hf_newscls.errors import RunError
from hf_newscls.tuning.page import OptimismGap, format_values, write_search_page
from hf_newscls.tuning.result import SearchResult, TrialResult, read_result
from hf_newscls.tuning.study import BEGAN

optuna = pytest.importorskip("optuna", reason="needs Optuna")


def build_result(*scores: float | None, lower_is_better: bool = True, train_rows: int | None = None) -> SearchResult:
    trials = [
        TrialResult(number, "failed" if score is None else "complete", score, {"model.head": "<b>"}, {}, 1.0, 2.0, "")
        for number, score in enumerate(scores)
    ]
    return SearchResult("tiny", "log_loss", lower_is_better, train_rows, trials, importances={})


@pytest.mark.parametrize(("lower_is_better", "number"), [(True, 2), (False, 1)])
def test_best_is_the_first_of_equal_trials(lower_is_better: bool, number: int) -> None:
    assert build_result(None, 0.5, 0.4, 0.4, 0.5, lower_is_better=lower_is_better).best.number == number


def test_search_without_a_score_has_no_best_trial() -> None:
    with pytest.raises(RunError, match="tiny"):
        _ = build_result(None, None).best


def test_importances_need_ten_trials_that_differ() -> None:
    study = optuna.create_study()
    space = {"x": optuna.distributions.FloatDistribution(0, 1), "y": optuna.distributions.FloatDistribution(0, 1)}
    for number in range(1, 11):
        trial = optuna.trial.create_trial(params={"x": number / 10, "y": 0.5}, distributions=space, value=number / 10)
        study.add_trial(trial)
        expected = {"x", "y"} if number == 10 else set()
        assert read_result(study, metric="log_loss").importances.keys() == expected


def test_value_of_a_key_replaces_that_of_its_section() -> None:
    values = {"freeze": {"epochs": 1, "steps": None, "learning_rate": 0.02}, "freeze.learning_rate": 0.01}
    trial = TrialResult(0, "complete", 0.5, {**values, "loss.name": None}, {}, 1.0, 2.0, "")
    assert trial.flat_values == {"freeze.epochs": 1, "freeze.learning_rate": 0.01, "loss.name": None}
    assert format_values(trial) == "freeze.epochs=1, freeze.learning_rate=0.01, loss.name=null"


def test_seconds_of_a_trial_leave_out_what_an_interruption_took() -> None:
    study = optuna.create_study()
    trial = study.ask()
    trial.set_user_attr(BEGAN, f"{trial.datetime_start + timedelta(seconds=1000)}")
    study.tell(trial, 0.5)
    (found,) = read_result(study, metric="log_loss").trials
    assert found.whole_seconds < 0  # it began again after 1,000 seconds, and has ended at once


def test_page_shows_trials_and_gaps_and_escapes_values(tmp_path: Path) -> None:
    gap = OptimismGap("accuracy", searched=0.91, validation=0.88, test=0.85)
    write_search_page(build_result(None, 0.5), tmp_path / "report.html", gaps=[gap], seeds=[17, 18])
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "-0.0600" in page
    assert "17, 18" in page
    assert "&lt;b&gt;" in page
    assert "<b>" not in page


def test_page_shows_that_trials_had_fewer_training_rows(tmp_path: Path) -> None:
    gap = OptimismGap("accuracy", searched=0.91, validation=0.92, test=0.95)
    write_search_page(build_result(0.5, train_rows=4321), tmp_path / "report.html", gaps=[gap], seeds=[17])
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "4,321" in page
    assert "+0.0400" not in page, "more rows explain a part of it"


def test_table_has_a_row_for_each_trial() -> None:
    table = build_result(0.5, None).to_pandas()
    assert table["state"].tolist() == ["complete", "failed"]
    assert table["model.head"].tolist() == ["<b>", "<b>"]
