"""Trackers get the recipe, the split, the test scores and the figures; TensorBoard is read back from its files."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from transformers import TrainingArguments

from hf_newscls import workflow
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.training.trackers import TrackedRun

MakeRecipe = Callable[..., Recipe]


def test_without_trackers_nothing_is_logged(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    arguments = TrainingArguments(str(tmp_path), report_to="none", use_cpu=True)
    tracked = TrackedRun(arguments, make_recipe(), fingerprint="1" * 64, folder=tmp_path / "20261130-010000")
    tracked.log_results({"accuracy": 0.5}, [], step=3)
    assert arguments.run_name == "tiny-20261130-010000"
    assert [*tmp_path.iterdir()] == [tmp_path / "tiny.yaml"]


@pytest.mark.slow
def test_tensorboard_holds_recipe_training_scores_and_figures(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    recipe = make_recipe("training_arguments.report_to=tensorboard", "training_arguments.num_train_epochs=1")
    run = workflow.train(recipe, runs_dir=tmp_path / "runs")
    assert not (run.path / "checkpoints" / "runs").exists()
    events = EventAccumulator(str(run.path / "tensorboard")).Reload()
    tags = events.Tags()
    assert {"train/loss", "eval/accuracy"} <= {*tags["scalars"]}
    (accuracy,) = events.Scalars("test/accuracy")
    assert accuracy.value == pytest.approx(run.report.test.scores["accuracy"])
    assert {f"figures/{path.stem}" for path in (run.path / "figures").glob("*.png")} == {*tags["images"]}
    assert {"recipe/data/text_summary", "split_fingerprint/text_summary"} <= {*tags["tensors"]}


def test_tracker_that_fails_at_the_end_is_logged(
    make_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without its module, the tracker cannot open the run again."""
    monkeypatch.setitem(sys.modules, "trackio", None)
    arguments = TrainingArguments(str(tmp_path), report_to="none", use_cpu=True)
    arguments.report_to = ["trackio"]
    tracked = TrackedRun(arguments, make_recipe(), fingerprint="1" * 64, folder=tmp_path / "20261130-010000")
    tracked.log_results({"accuracy": 0.5}, [], step=3)
    assert "Trackio" in caplog.text
