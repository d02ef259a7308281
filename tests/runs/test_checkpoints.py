"""Which checkpoints are complete, and what happens to the others."""

import json
import os
from pathlib import Path

import pytest

from hf_newscls.runs.checkpoints import (
    discard_unfinished,
    find_last_checkpoint,
    is_complete,
    read_trainer_state,
    relocate_best,
    remove_partial,
)
from hf_newscls.runs.folder import RunFolder

FILES = ("model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth")


def save_checkpoint(folder: Path, step: int, **state: object) -> Path:
    checkpoint = folder / f"checkpoint-{step}"
    checkpoint.mkdir(parents=True)
    for name in FILES:
        (checkpoint / name).write_text("x")
    (checkpoint / "trainer_state.json").write_text(json.dumps({"global_step": step, **state}))
    return checkpoint


def test_last_is_the_one_with_the_most_steps(tmp_path: Path) -> None:
    for step in (9, 100, 20):
        save_checkpoint(tmp_path, step)
    assert find_last_checkpoint(tmp_path) == tmp_path / "checkpoint-100"
    assert find_last_checkpoint(tmp_path / "none") is None


@pytest.mark.parametrize("missing", [*FILES, "trainer_state.json"])
def test_checkpoint_without_one_of_its_files_does_not_count(missing: str, tmp_path: Path) -> None:
    whole = save_checkpoint(tmp_path, 2)
    (save_checkpoint(tmp_path, 4) / missing).unlink()
    assert find_last_checkpoint(tmp_path) == whole
    remove_partial(tmp_path)
    assert os.listdir(tmp_path) == ["checkpoint-2"]


def test_checkpoint_with_half_a_state_does_not_count(tmp_path: Path) -> None:
    checkpoint = save_checkpoint(tmp_path, 2)
    (checkpoint / "trainer_state.json").write_text('{"global_step": 2, "log_hist')
    assert not is_complete(checkpoint)


def test_adapter_and_several_processes_count_too(tmp_path: Path) -> None:
    checkpoint = save_checkpoint(tmp_path, 2)
    (checkpoint / "model.safetensors").rename(checkpoint / "adapter_model.safetensors")
    (checkpoint / "rng_state.pth").rename(checkpoint / "rng_state_0.pth")
    assert is_complete(checkpoint)


def test_best_is_found_in_the_same_folder(tmp_path: Path) -> None:
    best = save_checkpoint(tmp_path, 2)
    last = save_checkpoint(tmp_path, 4, best_model_checkpoint="elsewhere/runs/checkpoint-2", best_global_step=2)
    relocate_best(last)
    assert read_trainer_state(last) == {
        "global_step": 4,
        "best_model_checkpoint": str(best),
        "best_global_step": 2,
    }


@pytest.mark.parametrize("saved", [None, "elsewhere/checkpoint-3"])
def test_path_of_a_missing_best_is_kept(saved: str | None, tmp_path: Path) -> None:
    last = save_checkpoint(tmp_path, 4, best_model_checkpoint=saved)
    relocate_best(last)
    assert read_trainer_state(last)["best_model_checkpoint"] == saved


@pytest.mark.parametrize("has_marker", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_unfinished_folder_stays_only_with_its_sign(has_marker: bool, fails: bool, tmp_path: Path) -> None:
    run = tmp_path / "tiny" / "run"
    run.mkdir(parents=True)

    def work() -> None:
        (run / "recipe.yaml").write_text("name: tiny")
        if has_marker:
            (run / "training.json").write_text("{}")
        if fails:
            raise KeyboardInterrupt

    try:
        with discard_unfinished(RunFolder(run)):
            work()
    except KeyboardInterrupt:
        assert fails
    assert run.exists() == has_marker


def test_unfinished_folder_is_removed_with_its_empty_parent(tmp_path: Path) -> None:
    first, second = tmp_path / "runs" / "tiny" / "one", tmp_path / "runs" / "tiny" / "two"
    for run in (first, second):
        run.mkdir(parents=True)
    with discard_unfinished(RunFolder(first)):
        pass
    assert os.listdir(tmp_path / "runs" / "tiny") == ["two"]
    with discard_unfinished(RunFolder(second)):
        pass
    assert os.listdir(tmp_path / "runs") == []
