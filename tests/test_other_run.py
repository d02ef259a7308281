"""A run that the report stands beside: found by its recipe, on the same split, and never in the way of a training."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from hf_newscls import workflow
from hf_newscls.errors import RunError
from hf_newscls.other_run import read_other_answers
from hf_newscls.run_folder import RunFolder
from tests.conftest import LABELS, FinishedRun, read_table


@pytest.fixture
def runs(tiny_run: FinishedRun, tmp_path: Path) -> Path:
    """A runs folder with a finished run of `tiny`, and another of `plain` that is the same."""
    for name in ("tiny", "plain"):
        shutil.copytree(tiny_run.run.path, tmp_path / "runs" / name / "1", ignore=shutil.ignore_patterns("checkpoints"))
    return tmp_path / "runs"


def read(runs: Path, name: str = "plain") -> Any:
    run = RunFolder(runs / "tiny" / "1")
    return read_other_answers(name, run, row_ids=[row["id"] for row in read_table(run)], label_names=LABELS)


def change_split(run: RunFolder) -> None:
    run.split.write_text(json.dumps(run.read_json(run.split) | {"fingerprint": "f" * 64}))


def test_answers_are_those_of_the_other_run(runs: Path) -> None:
    other = read(runs)
    expected = read_table(RunFolder(runs / "plain" / "1"))
    assert other.name == "plain"
    assert other.probabilities.tolist() == [[row[f"probability of {name}"] for name in LABELS] for row in expected]


def test_newest_run_on_the_split_is_taken(runs: Path) -> None:
    newer = RunFolder(runs / "plain" / "2")
    shutil.copytree(runs / "plain" / "1", newer.path)
    table = pq.read_table(newer.predictions)
    column = f"probability of {LABELS[0]}"
    place = table.column_names.index(column)
    pq.write_table(table.set_column(place, column, [[0.25] * len(table)]), newer.predictions)
    assert {row[0] for row in read(runs).probabilities.tolist()} == {0.25}
    change_split(newer)
    assert {row[0] for row in read(runs).probabilities.tolist()} != {0.25}


def break_predictions(run: RunFolder) -> None:
    run.predictions.write_bytes(b"PAR1")


def remove_predictions(run: RunFolder) -> None:
    run.predictions.unlink()


def rename_label(run: RunFolder) -> None:
    table = pq.read_table(run.predictions)
    names = [name.replace(LABELS[0], "another") for name in table.column_names]
    pq.write_table(table.rename_columns(names), run.predictions)


def reverse_rows(run: RunFolder) -> None:
    table = pq.read_table(run.predictions)
    pq.write_table(table.take([*reversed(range(len(table)))]), run.predictions)


@pytest.mark.parametrize("change", [change_split, break_predictions, remove_predictions, rename_label, reverse_rows])
def test_run_that_cannot_stand_beside_is_refused(change: Callable[[RunFolder], None], runs: Path) -> None:
    change(RunFolder(runs / "plain" / "1"))
    with pytest.raises(RunError, match=r"plain: must have a finished run on the split of .* found 1 "):
        read(runs)


def test_recipe_without_a_run_and_the_run_itself_are_refused(runs: Path) -> None:
    for name in ("absent", "tiny"):
        with pytest.raises(RunError, match=rf"{name}: must have a finished run .* found none; train it"):
            read(runs, name)


def test_evaluate_shows_both_side_by_side(runs: Path) -> None:
    run, report = workflow.evaluate(str(runs / "tiny" / "1"), runs_dir=runs, compare_with="plain")
    assert report.beside is not None
    assert report.beside.other == "plain"
    accuracy = report.beside.scores["accuracy"]
    assert accuracy.own == accuracy.other == pytest.approx(report.test.scores["accuracy"])
    assert run.read_json(run.metrics)["beside"] == report.beside.to_dict()
    assert "Side by side with plain" in run.report.read_text(encoding="utf-8")


def test_evaluate_with_a_recipe_that_has_no_run_changes_nothing(runs: Path) -> None:
    run = RunFolder(runs / "tiny" / "1")
    before = run.metrics.read_bytes()
    with pytest.raises(RunError, match="absent: must have a finished run"):
        workflow.evaluate(str(run.path), runs_dir=runs, compare_with="absent")
    assert run.metrics.read_bytes() == before


@pytest.mark.slow
def test_training_goes_on_where_the_recipe_names_one_without_a_run(
    train_once: Callable[..., FinishedRun], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("WARNING", logger="hf_newscls"):
        found = train_once("tiny_beside", "evaluation.compare_with=absent")
    assert "absent: must have a finished run on the split" in caplog.text
    assert found.report.beside is None
    found = train_once("tiny_beside", "evaluation.compare_with=tiny_beside", "training_arguments.seed=18")
    assert found.report.beside is not None
