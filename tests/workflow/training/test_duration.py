"""How long a training on a CPU takes is known before it begins."""

import io
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from datasets import Dataset

from hf_newscls import workflow
from hf_newscls.errors import RunError
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.workflow.training.duration import estimate_seconds
from tests.processes import Result
from tests.tiny_models import load_tiny


class Declined(Exception):
    """The answer to a plan was no."""


def decline(plan: workflow.Plan) -> None:
    raise Declined(plan.seconds)


def test_plan_has_the_time_on_a_cpu(make_recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    short, long = (
        workflow.plan(make_recipe(f"training_arguments.num_train_epochs={epochs}"), runs_dir=tmp_path).seconds
        for epochs in (1, 1000)
    )
    assert short is not None
    assert long is not None
    assert 0 < short < long


@pytest.mark.parametrize(("longest", "filled"), [(1, 1.0), (4, (7 * 3 + 6) / (8 * 6))], ids=["equal", "padded"])
def test_padding_takes_no_time(
    longest: int,
    filled: float,
    make_recipe: Callable[..., Recipe],
    tiny_encoder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A word is a token, and each text has two more. By this clock a forward pass of the eight texts takes a second."""
    clock = SimpleNamespace(perf_counter=count().__next__)
    monkeypatch.setattr("hf_newscls.workflow.training.duration.time", clock)
    rows = Dataset.from_dict({"text": ["goal"] * 7 + [" ".join(["goal"] * longest)]})
    schedule = SimpleNamespace(boundary_step=0, total_steps=10)
    classifier = load_tiny(tiny_encoder)
    seconds = estimate_seconds(make_recipe(), rows, classifier, schedule=schedule, batch_rows=4, bf16=False)  # type: ignore[arg-type]
    # An eighth of a second a text, three times as much with the backward pass, 40 texts.
    assert seconds == pytest.approx(1 / 8 * 3 * 40 * filled)


@pytest.mark.parametrize("is_terminal", [True, False])
def test_long_training_is_confirmed_on_a_terminal(
    is_terminal: bool,
    make_recipe: Callable[..., Recipe],
    call: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    make_recipe()  # writes the file
    answers = io.StringIO("n\n")
    monkeypatch.setattr(answers, "isatty", lambda: is_terminal)
    monkeypatch.setattr(sys, "stdin", answers)
    # A disk without space ends the training that is not asked about.
    monkeypatch.setattr("hf_newscls.storage.shutil.disk_usage", lambda path: type("Usage", (), {"free": 0})())
    epochs = "training_arguments.num_train_epochs=1000000"
    result = call("train", str(tmp_path / "tiny.yaml"), epochs, "--runs-dir", str(tmp_path / "runs"))
    assert result.code == (1 if is_terminal else 2), result.err
    assert ("[y/N]" in result.err) == is_terminal
    assert not (tmp_path / "runs").exists()


def test_declined_training_leaves_nothing_behind(make_recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    with pytest.raises(Declined):
        workflow.train(make_recipe(), on_plan=decline, runs_dir=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_resumed_run_has_no_plan(make_recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    recipe, run = make_recipe(), tmp_path / "runs" / "tiny" / "20261130-010000"
    run.mkdir(parents=True)
    (run / "recipe.yaml").write_text((tmp_path / "tiny.yaml").read_text())
    for name in ("split.json", "training.json"):
        (run / name).write_text('{"fingerprint": "of another split"}')
    with pytest.raises(RunError, match="of another"):
        workflow.train(recipe, on_plan=decline, runs_dir=tmp_path / "runs")


def test_plan_of_several_seeds_has_the_time_of_all(
    make_recipe: Callable[..., Recipe], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys.modules["hf_newscls.workflow.training.train"], "estimate_seconds", lambda *_, **__: 1000.0)
    with pytest.raises(Declined) as caught:
        workflow.train_seeds(make_recipe(), seeds=3, on_plan=decline, runs_dir=tmp_path / "runs")
    assert caught.value.args == (3000.0,)
