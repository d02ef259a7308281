"""Another run on the same split that the report compares with; a problem with it never stops a training."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from hf_newscls import workflow
from hf_newscls.data.preparation import prepare
from hf_newscls.errors import DataError, RecipeError, RunError
from hf_newscls.evaluation.baselines.side_by_side import OtherPredictions
from hf_newscls.recipe.evaluation import EvaluationSection
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.recipe.serialization import recipe_to_yaml
from hf_newscls.runs.folder import RunFolder
from hf_newscls.workflow.evaluation.other_run import read_other_predictions
from tests.conftest import LABELS, FinishedRun, Result, read_table


@pytest.fixture
def run(tiny_run: FinishedRun, tmp_path: Path) -> RunFolder:
    """A finished run of `tiny` outside the runs folder, and a run of `plain` with another rate and the same answers."""
    for path in ("elsewhere", "runs/plain/1"):
        shutil.copytree(tiny_run.run.path, tmp_path / path, ignore=shutil.ignore_patterns("checkpoints"))
    changes = {"name": "plain", "evaluation": EvaluationSection(top_k=[])}
    arguments = tiny_run.recipe.training_arguments | {"learning_rate": 0.5}
    other = tiny_run.recipe.model_copy(update={**changes, "training_arguments": arguments})
    (tmp_path / "runs" / "plain" / "1" / "recipe.yaml").write_text(recipe_to_yaml(other))
    RunFolder(tmp_path / "runs" / "plain" / "1").mark_latest()
    return RunFolder(tmp_path / "elsewhere")


@pytest.fixture
def plain(run: RunFolder) -> RunFolder:
    """The other run."""
    return RunFolder(run.path.parent / "runs" / "plain" / "1")


def read(run: RunFolder, tiny_run: FinishedRun, name: str = "plain") -> OtherPredictions:
    test = prepare(tiny_run.recipe).splits["test"]
    return read_other_predictions(name, run, test=test, runs_dir=run.path.parent / "runs")


def test_probabilities_are_in_the_order_of_the_test_rows(
    run: RunFolder, plain: RunFolder, tiny_run: FinishedRun
) -> None:
    table = pq.read_table(plain.predictions)
    pq.write_table(table.take([*reversed(range(len(table)))]), plain.predictions)
    other = read(run, tiny_run)
    assert (other.recipe_name, other.run_name) == ("plain", "1")
    assert other.differences == {"training_arguments.learning_rate": (2e-3, 0.5)}
    expected = [[row[f"probability of {name}"] for name in LABELS] for row in read_table(run)]
    assert other.probabilities.tolist() == expected


def test_moved_run_has_the_name_of_its_recipe(run: RunFolder, plain: RunFolder, tiny_run: FinishedRun) -> None:
    moved = plain.path.rename(run.path.parent / "moved")
    assert read(run, tiny_run, str(moved)).recipe_name == "plain"


def test_recipe_of_another_version_does_not_prevent_the_comparison(
    run: RunFolder, plain: RunFolder, tiny_run: FinishedRun, caplog: pytest.LogCaptureFixture
) -> None:
    plain.recipe.write_text("name: plain\nunknown: 1\n")
    other = read(run, tiny_run)
    assert (other.recipe_name, other.differences) == ("plain", {})
    assert "plain" in caplog.text
    assert "unknown" in caplog.text


def change_split(run: RunFolder) -> None:
    run.split.write_text(json.dumps(run.read_json(run.split) | {"fingerprint": "f" * 64}))


def break_predictions(run: RunFolder) -> None:
    run.predictions.write_bytes(b"PAR1")


def remove_predictions(run: RunFolder) -> None:
    run.predictions.unlink()


def rename_label(run: RunFolder) -> None:
    table = pq.read_table(run.predictions)
    names = [name.replace(LABELS[0], "another") for name in table.column_names]
    pq.write_table(table.rename_columns(names), run.predictions)


def drop_row(run: RunFolder) -> None:
    pq.write_table(pq.read_table(run.predictions).slice(1), run.predictions)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (change_split, "plain/1: .*ffffffffffff"),
        (break_predictions, "predictions.parquet"),
        (remove_predictions, "predictions.parquet"),
        (rename_label, "predictions.parquet"),
        (drop_row, "predictions.parquet: .*elsewhere"),
    ],
)
def test_run_with_other_rows_or_labels_is_refused(
    change: Callable[[RunFolder], None], reason: str, run: RunFolder, plain: RunFolder, tiny_run: FinishedRun
) -> None:
    change(plain)
    with pytest.raises((RunError, DataError), match=reason):
        read(run, tiny_run)


def test_recipe_without_a_run_and_the_run_itself_are_refused(run: RunFolder, tiny_run: FinishedRun) -> None:
    with pytest.raises(RunError, match=r"plian.*'plain'"):
        read(run, tiny_run, "plian")
    with pytest.raises(RunError, match=r"elsewhere: .*elsewhere"):
        read(run, tiny_run, str(run.path))


def test_other_run_is_given_as_a_result(run: RunFolder, plain: RunFolder) -> None:
    evaluated = workflow.evaluate(run.path, compare_with=workflow.load_run(plain.path))
    assert evaluated.report.side_by_side is not None
    assert (evaluated.report.side_by_side.recipe_name, evaluated.report.side_by_side.run_name) == ("plain", "1")


@pytest.mark.slow
def test_evaluate_shows_both_side_by_side(run: RunFolder, call: Callable[..., Result]) -> None:
    options = ("--compare-with", "plain", "--runs-dir", str(run.path.parent / "runs"))
    result = call("evaluate", str(run.path), *options)
    assert result.code == 0, result.err
    shown = run.read_json(run.metrics)["side_by_side"]
    assert (shown["recipe"], shown["run"]) == ("plain", "1")
    assert shown["differences"] == {"training_arguments.learning_rate": [2e-3, 0.5]}
    assert re.search(r"│ training_arguments.learning_rate │ 0\.002 +│ 0\.5 +│", result.out)
    assert {label["name"] for label in shown["rare_labels"]} == {*LABELS}
    for name, title in (("accuracy", "Accuracy"), ("f1_macro", "Macro F1")):
        own = run.read_json(run.metrics)["test"][name]
        assert shown["scores"][name] == {
            "own": pytest.approx(own),
            "other": pytest.approx(own),
            "gain": [0, 0],
            "p_value": 1.0,
        }
        assert re.search(rf"│ {title} +│ +│ {own:.3f} +│ {own:.3f} +│ \+0.000 to \+0.000 +│", result.out)
    assert "Comparison with plain" in run.report.read_text(encoding="utf-8")


def test_evaluate_with_a_recipe_that_has_no_run_changes_nothing(run: RunFolder, call: Callable[..., Result]) -> None:
    before = run.metrics.read_bytes()
    for name in ("absent", ""):
        result = call("evaluate", str(run.path), "--compare-with", name, "--runs-dir", str(run.path.parent / "runs"))
        assert (result.code, result.out) == (2, "")
        assert f"error: {name}: " in result.err
    assert run.metrics.read_bytes() == before


def test_missing_run_is_reported_before_training(
    make_recipe: Callable[..., Recipe], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recipe = make_recipe("evaluation.compare_with=absent", "sampling.labels=balanced")
    with caplog.at_level("WARNING", logger="hf_newscls"):
        workflow.plan(recipe, runs_dir=tmp_path)
    assert "`evaluation.compare_with`: absent: " in caplog.text
    assert "training_arguments.metric_for_best_model" in caplog.text


@pytest.mark.parametrize(
    "name",
    ["runs/plain", "tiny"],
)
def test_recipe_names_another_recipe(name: str, make_recipe: Callable[..., Recipe]) -> None:
    with pytest.raises(RecipeError) as caught:
        make_recipe(f"evaluation.compare_with={name}")
    assert "evaluation.compare_with" in str(caught.value)
    assert repr(name) in str(caught.value)


@pytest.mark.slow
def test_training_goes_on_without_the_other_run(
    train_once: Callable[..., FinishedRun], tiny_run: FinishedRun, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("WARNING", logger="hf_newscls"):
        found = train_once("tiny_beside", "evaluation.compare_with=absent")
    assert "`evaluation.compare_with`: absent: " in caplog.text
    assert found.report.side_by_side is None
    found = train_once("tiny_beside", f"evaluation.compare_with={tiny_run.recipe.name}")
    assert found.report.side_by_side is not None
    assert found.report.side_by_side.recipe_name == tiny_run.recipe.name
    assert workflow.evaluate(str(found.run.path), runs_dir=found.runs_dir).report.side_by_side is not None
