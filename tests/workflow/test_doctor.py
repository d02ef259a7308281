"""`doctor` finds versions, device and tokens, and never prints a token."""

import platform
import re
from pathlib import Path

import pytest
import torch

from hf_newscls.workflow.doctor import inspect_machine
from tests.processes import run_cli

SECRET = "hf_" + "sEcReT" * 6


def test_versions_are_those_installed() -> None:
    found = inspect_machine()
    assert found["python"] == platform.python_version()
    assert found["torch"] == torch.__version__
    assert {"hf-newscls", "transformers", "datasets", "accelerate"} <= {*found}


def test_every_finding_is_a_line_of_text() -> None:
    for what, found in inspect_machine().items():
        assert isinstance(found, str), what
        assert found.strip(), what
        assert "\n" not in found, what


def test_disk_and_cores_are_counted() -> None:
    found = inspect_machine()
    assert int(found["CPU cores"]) >= 1
    assert float(found["free disk"].removesuffix(" GB")) >= 0


@pytest.mark.slow
@pytest.mark.parametrize("index", ["environment", "file"])
def test_tokens_are_found_and_not_shown(index: str, tmp_path: Path) -> None:
    environment = {"HF_TOKEN": SECRET, "KAGGLE_KEY": SECRET} if index == "environment" else {"HOME": str(tmp_path)}
    if index == "file":
        for path in (tmp_path / "hf" / "token", tmp_path / ".kaggle" / "kaggle.json"):
            path.parent.mkdir()
            path.write_text(SECRET)
    result = run_cli("doctor", cwd=tmp_path, home=tmp_path, environment=environment)
    assert result.code == 0, result.err
    lines = {line.split("  ")[0].strip(): line for line in result.out.splitlines()}
    assert "found" in lines["Hub token"]
    assert "found" in lines["Kaggle token"]
    assert "sEcReT" not in result.out + result.err


@pytest.mark.slow
def test_fix_is_named_for_a_missing_token(tmp_path: Path) -> None:
    result = run_cli("doctor", cwd=tmp_path, home=tmp_path, environment={"HOME": str(tmp_path)})
    assert result.code == 0, result.err
    assert "`hf auth login`" in result.out
    assert re.search(r"Kaggle token +none", result.out)
    assert [*tmp_path.rglob("*.json")] == []
