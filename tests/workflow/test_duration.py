"""How long a training on a CPU takes is known before it begins."""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hf_newscls import workflow
from hf_newscls.recipe.recipe import Recipe
from tests.processes import Result


def test_plan_has_the_time_on_a_cpu(make_recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    short, long = (
        workflow.plan(make_recipe(f"training_arguments.num_train_epochs={epochs}"), runs_dir=tmp_path).seconds
        for epochs in (1, 1000)
    )
    assert short is not None
    assert long is not None
    assert 0 < short < long


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
