"""An interrupted training goes on where it stopped, killed for real, and ends as if nothing had happened."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from hf_newscls import __version__
from hf_newscls.runs.checkpoints import find_last_checkpoint, read_trainer_state
from hf_newscls.runs.folder import RunFolder
from tests.conftest import write_recipe
from tests.processes import Result, check_refusal, run_python

# 72 training rows, 8 a batch, 2 batches a step: 5 steps an epoch, the last of one batch; stage 2 begins at step 5, and
# the end is at step 15. Dropout is on, batches are of like length, the best checkpoint is kept.
OVERRIDES = (
    "training_arguments.gradient_accumulation_steps=2",
    "training_arguments.eval_strategy=steps",
    "training_arguments.eval_steps=1",
    "training_arguments.save_strategy=steps",
    "training_arguments.save_steps=1",
    "training_arguments.save_total_limit=2",
)
# Runs the command line and gets a signal when a step begins.
SIGNALED = """
import os, signal, sys
import transformers.trainer
from transformers import TrainerCallback
from hf_newscls.cli import main
step, number = int(sys.argv[1]), getattr(signal, sys.argv[2])
class Signal(TrainerCallback):
    def on_step_begin(self, args, state, control, **kwargs):
        if state.global_step == step:
            os.kill(os.getpid(), number)
transformers.trainer.DEFAULT_CALLBACKS.append(Signal)
sys.argv = ["hf-newscls", *sys.argv[3:]]
main()
"""
Train = Callable[..., Result]


@pytest.fixture
def workspace(tiny_encoder: Path, noisy_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with the tiny recipe and a copy of its data."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    shutil.copy(noisy_csv, folder / "news.csv")
    write_recipe(folder / "tiny.yaml", source=Path("news.csv"), encoder=tiny_encoder)
    monkeypatch.chdir(folder)
    return folder


def interrupt(step: int, signal: str, workspace: Path, *overrides: str) -> Result:
    """Train in a process of its own that gets a signal when a step begins."""
    arguments = ["train", "tiny.yaml", *OVERRIDES, *overrides]
    return run_python(SIGNALED, str(step), signal, *arguments, cwd=workspace, home=workspace)


@pytest.fixture
def train(call: Train, caplog: pytest.LogCaptureFixture) -> Train:
    """Train in this process; what it logs stands in the result's `out`."""

    def run(*arguments: str) -> Result:
        caplog.clear()
        result = call("train", "tiny.yaml", *OVERRIDES, *arguments)
        return result._replace(out=result.out + caplog.text)

    return run


def find_only_run(workspace: Path, runs: str = "runs") -> RunFolder:
    (path,) = [path for path in (workspace / runs / "tiny").iterdir() if path.name != "latest"]
    return RunFolder(path)


def measure_difference(run: RunFolder, other: RunFolder) -> float:
    """Return the largest difference of two runs: in their models, and in weights and optimizer of the last step."""
    pairs = [(run.model / "model.safetensors", other.model / "model.safetensors")]
    checkpoint, expected = (find_last_checkpoint(one.checkpoints) for one in (run, other))
    assert checkpoint.name == expected.name
    pairs.append((checkpoint / "model.safetensors", expected / "model.safetensors"))
    differences = [
        (ours[name] - theirs[name]).abs().max().item()
        for one, two in pairs
        for ours, theirs in [(load_file(one), load_file(two))]
        for name in theirs
    ]
    states = [torch.load(one / "optimizer.pt", weights_only=True)["state"] for one in (checkpoint, expected)]
    assert states[0].keys() == states[1].keys()
    for index, state in states[1].items():
        differences += [(states[0][index][name] - value).abs().max().item() for name, value in state.items()]
    return max(differences)


def check_resumed_equals_whole(workspace: Path, train: Train, *, step: int) -> None:
    resumed = train()
    assert resumed.code == 0, resumed.err
    assert f"from step {step} of 15" in resumed.out
    whole = train("--runs-dir", "whole")
    assert whole.code == 0, whole.err
    assert measure_difference(find_only_run(workspace), find_only_run(workspace, "whole")) == 0.0


# Steps 3 and 8 lie within an epoch, 5 is the boundary. With the stock length-grouped sampler the first, second and
# fourth end apart; with a callback that counts by itself all from the boundary on do.
@pytest.mark.slow
@pytest.mark.parametrize("step", [3, 5, 8, 12])
def test_killed_training_ends_as_if_nothing_had_happened(step: int, workspace: Path, train: Train) -> None:
    killed = interrupt(step, "SIGKILL", workspace)
    assert killed.code == -9
    assert find_last_checkpoint(find_only_run(workspace).checkpoints).name == f"checkpoint-{step}"
    check_resumed_equals_whole(workspace, train, step=step)
    assert find_only_run(workspace).is_complete
    assert not find_only_run(workspace).lock.exists()


@pytest.mark.slow
@pytest.mark.parametrize(("signal", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_signal_writes_a_checkpoint_and_leaves(signal: str, code: int, workspace: Path, train: Train) -> None:
    # Checkpoints would come at the end of each epoch alone. A run that is merely told to stop has its last checkpoint
    # pruned by the Trainer, since the best is another.
    rare = ("training_arguments.eval_strategy=epoch", "training_arguments.save_strategy=epoch")
    stopped = interrupt(7, signal, workspace, *rare)
    assert stopped.code == code, stopped.err
    assert "Traceback" not in stopped.err
    assert stopped.err.count("run the same command") == 1
    assert read_trainer_state(find_last_checkpoint(find_only_run(workspace).checkpoints))["global_step"] == 8
    resumed = train(*rare)
    assert resumed.code == 0, resumed.err
    assert "from step 8 of 15" in resumed.out
    whole = train(*rare, "--runs-dir", "whole")
    assert whole.code == 0, whole.err
    assert measure_difference(find_only_run(workspace), find_only_run(workspace, "whole")) == 0.0


@pytest.fixture(scope="module")
def killed_run(tiny_encoder: Path, noisy_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with what is left of it when it is killed after step 11."""
    from hf_newscls import workflow
    from hf_newscls.recipe.loading import read_recipe

    folder = tmp_path_factory.mktemp("killed")
    path = write_recipe(folder / "tiny.yaml", source=noisy_csv, encoder=tiny_encoder)
    finished = workflow.train(
        read_recipe(str(path), [*OVERRIDES, "training_arguments.save_total_limit=100"]), runs_dir=folder / "runs"
    )
    run = RunFolder(finished.path)
    for step in range(12, 16):
        shutil.move(run.checkpoints / f"checkpoint-{step}", folder / f"checkpoint-{step}")
    for left in (run.model, run.figures):
        shutil.rmtree(left)
    for left in (run.training, run.metrics, run.predictions):
        left.unlink()
    # As the tests write it.
    recipe = read_recipe(str(path), OVERRIDES)
    run.write_recipe(recipe)
    run.recipe.write_text(run.recipe.read_text().replace(str(noisy_csv), "news.csv"))
    return run.path


@pytest.fixture
def interrupted(workspace: Path, killed_run: Path) -> RunFolder:
    """A run of the workspace that was killed after step 11."""
    shutil.copytree(killed_run, workspace / "runs" / "tiny" / killed_run.name)
    return find_only_run(workspace)


def test_changed_recipe_is_refused_by_its_keys(interrupted: RunFolder, train: Train) -> None:
    result = train("training_arguments.learning_rate=1e-4", "model.max_length=16")
    check_refusal(result, "runs/tiny/", "model.max_length", "32", "16", "--no-resume")
    check_refusal(result, "training_arguments.learning_rate", "0.005", "0.0001")
    assert find_last_checkpoint(interrupted.checkpoints).name == "checkpoint-11"


@pytest.mark.slow
def test_what_is_told_may_change(interrupted: RunFolder, train: Train) -> None:
    result = train("hub.title=Another", "evaluation.top_k=[1]")
    assert result.code == 0, result.err
    assert "from step 11 of 15" in result.out
    assert "# Another" in (interrupted.model / "README.md").read_text()


def test_changed_data_is_refused(interrupted: RunFolder, workspace: Path, train: Train) -> None:
    rows = (workspace / "news.csv").read_text().splitlines(keepends=True)
    (workspace / "news.csv").write_text("".join(rows[:-3]))
    check_refusal(train(), "runs/tiny/", "news.csv")


def test_other_number_of_steps_is_refused(interrupted: RunFolder, train: Train) -> None:
    checkpoint = find_last_checkpoint(interrupted.checkpoints)
    text = (checkpoint / "trainer_state.json").read_text()
    (checkpoint / "trainer_state.json").write_text(text.replace('"max_steps": 15', '"max_steps": 30'))
    check_refusal(train(), os.path.relpath(checkpoint), "15", "30", "--no-resume")


@pytest.mark.slow
def test_fresh_leaves_the_interrupted_run_alone(interrupted: RunFolder, workspace: Path, train: Train) -> None:
    result = train("--no-resume")
    assert result.code == 0, result.err
    assert "resuming" not in result.out
    assert len([*(workspace / "runs" / "tiny").iterdir()]) == 3
    assert not interrupted.is_complete


@pytest.mark.slow
def test_moved_run_keeps_its_best_model(
    interrupted: RunFolder, killed_run: Path, workspace: Path, train: Train
) -> None:
    # Killed after its last checkpoint, the Trainer saves none any more, which would tell it where the best one is.
    # Without relocate_best it then keeps the last model, silently.
    shutil.copytree(killed_run.parents[2] / "checkpoint-15", interrupted.checkpoints / "checkpoint-15")
    shutil.move(workspace / "runs", workspace / "moved")
    run = RunFolder(workspace / "moved" / "tiny" / interrupted.path.name)
    checkpoint = find_last_checkpoint(run.checkpoints)
    state = read_trainer_state(checkpoint)
    # The fixture's own folder still stands where it was trained.
    state |= {"best_global_step": 6, "best_model_checkpoint": "gone/checkpoint-6"}
    (checkpoint / "trainer_state.json").write_text(json.dumps(state))
    result = train("--runs-dir", "moved", "training_arguments.save_total_limit=2")
    assert result.code == 0, result.err
    assert run.read_json(run.training)["best_step"] == 6
    saved, kept = load_file(run.model / "model.safetensors"), run.checkpoints / "checkpoint-6"
    assert all(torch.equal(saved[name], value) for name, value in load_file(kept / "model.safetensors").items())


@pytest.mark.slow
def test_half_a_checkpoint_is_passed_over(interrupted: RunFolder, train: Train) -> None:
    (interrupted.checkpoints / "checkpoint-11" / "optimizer.pt").unlink()
    result = train()
    assert result.code == 0, result.err
    assert "from step 10 of 15" in result.out


@pytest.mark.slow
def test_training_that_had_ended_is_only_measured(workspace: Path, train: Train) -> None:
    assert train().code == 0
    run = find_only_run(workspace)
    (run.model / "README.md").unlink()
    weights = (run.model / "model.safetensors").stat().st_mtime_ns
    result = train()
    assert result.code == 0, result.err
    assert "training has ended" in result.out
    assert (run.model / "model.safetensors").stat().st_mtime_ns == weights
    assert find_only_run(workspace).is_complete


@pytest.mark.slow
def test_run_killed_before_its_first_checkpoint_is_not_in_the_way(workspace: Path, train: Train) -> None:
    leftover = workspace / "runs" / "tiny" / "20200101-000000"
    leftover.mkdir(parents=True)
    (leftover / "split.json").write_text("{}")
    result = train()
    assert result.code == 0, result.err
    assert not leftover.exists()


@pytest.mark.slow
def test_finished_run_is_not_gone_on_with(workspace: Path, train: Train) -> None:
    assert train().code == 0
    result = train("training_arguments.learning_rate=1e-4")
    assert result.code == 0, result.err
    assert len([*(workspace / "runs" / "tiny").iterdir()]) == 3


@pytest.mark.slow
def test_run_of_a_living_process_is_left_alone(interrupted: RunFolder, workspace: Path, train: Train) -> None:
    from filelock import FileLock

    with FileLock(interrupted.lock):
        result = train()
    assert result.code == 0, result.err
    assert "resuming" not in result.out
    assert not interrupted.is_complete


@pytest.mark.parametrize("version", ["0.1", "0.3.1"])
def test_run_of_another_version_is_refused(version: str, interrupted: RunFolder, train: Train) -> None:
    mark, recipe = interrupted.recipe.read_text().split("\n", maxsplit=1)
    # Version 0.1 wrote no mark.
    interrupted.recipe.write_text(recipe if version == "0.1" else f"{mark.replace(__version__, version)}\n{recipe}")
    result = train()
    assert result.code == 2, result.err
    assert [part for part in ("runs/tiny/", f"version {version},", "--no-resume") if part not in result.err] == []
    assert find_last_checkpoint(interrupted.checkpoints).name == "checkpoint-11"
