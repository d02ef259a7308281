from pathlib import Path

import pytest

from hf_newscls.jobs.mirror import Mirror
from tests.processes import read_files

STATE = "tiny/1/checkpoints/checkpoint-4/trainer_state.json"


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A runs folder with a checkpoint and the files of a finished run."""
    for name in (STATE, "tiny/1/checkpoints/checkpoint-4/model.safetensors", "tiny/1/training.json", "tiny/1/.lock"):
        write(tmp_path / "runs" / name)
    (tmp_path / "runs" / "tiny" / "latest").symlink_to("1")
    return tmp_path / "runs"


def write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(path.name, encoding="utf-8")


def test_restored_run_has_the_files_but_not_the_lock(runs: Path, tmp_path: Path) -> None:
    Mirror(runs, tmp_path / "volume").save()
    Mirror(tmp_path / "again", tmp_path / "volume").restore()
    files = read_files(runs)
    assert files.pop("tiny/1/.lock")
    assert read_files(tmp_path / "again") == files


def test_what_makes_a_checkpoint_complete_is_copied_last(runs: Path, tmp_path: Path) -> None:
    # A folder stands where the state belongs, so copying ends there.
    (tmp_path / "volume" / STATE).mkdir(parents=True)
    with pytest.raises(OSError, match="trainer_state"):
        Mirror(runs, tmp_path / "volume").save()
    assert [*read_files(tmp_path / "volume")] == ["tiny/1/checkpoints/checkpoint-4/model.safetensors"]


def test_deleted_checkpoint_is_removed_and_half_a_file_is_copied_again(runs: Path, tmp_path: Path) -> None:
    mirror = Mirror(runs, tmp_path / "volume")
    mirror.save()
    (tmp_path / "volume" / STATE).write_text("tr", encoding="utf-8")
    (runs / "tiny/1/checkpoints/checkpoint-4/model.safetensors").unlink()
    mirror.save()
    assert read_files(tmp_path / "volume") == {STATE: b"trainer_state.json", "tiny/1/training.json": b"training.json"}
