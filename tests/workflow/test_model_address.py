"""What names a model."""

from pathlib import Path

import pytest

from hf_newscls.workflow.model_address import find_model_address


def test_folder_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    assert find_model_address("~/model", runs_dir="runs").address == str(tmp_path / "model")
