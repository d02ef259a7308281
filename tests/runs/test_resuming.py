"""Which runs can be resumed."""

from pathlib import Path

import pytest

from hf_newscls.runs.resuming import has_interrupted
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
