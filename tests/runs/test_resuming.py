"""Which runs can be resumed, and which finished run a recipe uses again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hf_newscls.runs.folder import RunFolder
from hf_newscls.runs.resuming import find_finished, has_interrupted
from hf_newscls.storage import try_lock
from tests.conftest import FinishedRun
from tests.runs.test_checkpoints import save_checkpoint


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([], False),
        (["split.json"], False),
        (["split.json", "checkpoint"], True),
        (["split.json", "training.json"], True),
        (["split.json", "training.json", "model/README.md"], False),
    ],
)
def test_run_with_a_checkpoint_or_without_its_evaluation_is_interrupted(
    files: list[str], expected: bool, tmp_path: Path
) -> None:
    run = tmp_path / "tiny" / "20261130-010000"
    for name in files:
        if name == "checkpoint":
            save_checkpoint(run / "checkpoints", 5)
        else:
            (run / name).parent.mkdir(parents=True, exist_ok=True)
            (run / name).touch()
    before = sorted(tmp_path.rglob("*"))
    assert has_interrupted("tiny", runs_dir=tmp_path) == expected
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("changes", "is_found"),
    [({}, True), ({"title": "Another", "tags": ["news"]}, True), ({"calibrate": False}, False)],
)
def test_only_what_changes_the_weights_needs_another_run(
    changes: Mapping[str, Any], is_found: bool, tiny_run: FinishedRun
) -> None:
    recipe = tiny_run.recipe.model_copy(update={"hub": tiny_run.recipe.hub.model_copy(update=changes)})
    found = find_finished(recipe, tiny_run.run.read_fingerprint(), runs_dir=tiny_run.runs_dir)
    assert (found is not None) == is_found


@pytest.mark.parametrize(("difference", "is_found"), [(0, True), (1, False)])
def test_seed_that_a_recipe_names_is_the_same_as_that_of_its_split(
    difference: int, is_found: bool, tiny_run: FinishedRun
) -> None:
    recipe = tiny_run.recipe.with_seed(tiny_run.recipe.seed + difference)
    found = find_finished(recipe, tiny_run.run.read_fingerprint(), runs_dir=tiny_run.runs_dir)
    assert (found is not None) == is_found


def test_run_that_another_process_trains_is_not_interrupted(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "tiny" / "20261130-010000")
    save_checkpoint(run.checkpoints, 5)
    run.split.touch()
    with try_lock(run.lock):
        assert not has_interrupted("tiny", runs_dir=tmp_path)
    assert has_interrupted("tiny", runs_dir=tmp_path)
