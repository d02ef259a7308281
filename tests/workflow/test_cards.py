"""The card of a run is built from the files of the run."""

import shutil
from pathlib import Path

import pytest

from hf_newscls.errors import RunError
from hf_newscls.runs.folder import RunFolder
from hf_newscls.workflow.cards import render_run_card
from tests.conftest import FinishedRun


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metrics.json", "{}"),
        ("metrics.json", "[]"),
        ("metrics.json", '{"example": {"text": "no probabilities"}}'),
        ("training.json", "{}"),
        ("training.json", '{"of another version": 1}'),
        ("split.json", "{}"),
        ("split.json", "{"),
    ],
)
def test_files_of_another_version_are_refused(name: str, content: str, tiny_run: FinishedRun, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    shutil.copytree(tiny_run.run.path, run.path, ignore=shutil.ignore_patterns("model", "checkpoints"))
    (run.path / name).write_text(content)
    with pytest.raises(RunError, match=r"run: .*evaluate"):
        render_run_card(run, tiny_run.recipe, model_address="owner/tiny")
