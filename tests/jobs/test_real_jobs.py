"""Train on real hardware of the Hub: opt-in, `HF_TOKEN=… make test-network`. It costs about a cent."""

import os
from pathlib import Path

import pytest

from hf_newscls.workflow import load_run
from tests.conftest import write_recipe
from tests.processes import run_cli

pytestmark = pytest.mark.network
# Read at import, because fixtures and tests change the environment.
TOKEN = os.environ.get("HF_TOKEN", "")


def test_run_of_a_real_job_comes_back(tiny_encoder: Path, news_csv: Path, tmp_path: Path) -> None:
    if not TOKEN:
        pytest.skip("needs HF_TOKEN with the right to start jobs, of an account with credit")
    recipe = write_recipe(tmp_path / "tiny.yaml", source=news_csv, encoder=tiny_encoder)
    command = ("train", str(recipe), "--on", "cpu-basic", "--timeout", "30m", "--yes")
    environment = {"HF_TOKEN": TOKEN, "HF_HUB_OFFLINE": "0"}
    result = run_cli(*command, cwd=tmp_path, home=tmp_path / "home", environment=environment, timeout=2400)
    assert result.code == 0, result.err
    assert "cpu-basic" in (load_run(tmp_path / "runs" / "tiny" / "latest").model_dir / "README.md").read_text()
    assert TOKEN not in result.out + result.err
