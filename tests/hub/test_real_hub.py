"""Publish to the real Hub, which uploads through Xet: opt-in, `HF_TOKEN=… make test-network`."""

import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.conftest import FinishedRun
from tests.processes import run_cli, run_python

pytestmark = pytest.mark.network

CLASSIFY = """
import json, sys
from transformers import pipeline
classifier = pipeline("text-classification", model=sys.argv[1], top_k=None)
print(json.dumps([{part["label"]: part["score"] for part in classifier([text])[0]} for text in sys.argv[2:]]))
"""
# Read at import, because fixtures and tests change the environment.
TOKEN = os.environ.get("HF_TOKEN", "")
ENVIRONMENT = {"HF_TOKEN": TOKEN, "HF_HUB_OFFLINE": "0"}


@pytest.fixture
def repo_id() -> Iterator[str]:
    """The name of a private repository that is deleted after the test."""
    from huggingface_hub import HfApi

    if not TOKEN:
        pytest.skip("needs HF_TOKEN with write access")
    api = HfApi(endpoint="https://huggingface.co", token=TOKEN)
    name = f"{api.whoami()['name']}/hf-newscls-test-{uuid.uuid4().hex[:12]}"
    yield name
    api.delete_repo(name, missing_ok=True)


def test_published_model_reproduces_its_predictions(repo_id: str, tiny_run: FinishedRun, tmp_path: Path) -> None:
    arguments = ("publish", str(tiny_run.run.path), "--repo-id", repo_id)
    first = run_cli(*arguments, cwd=tmp_path, home=tmp_path / "home", environment=ENVIRONMENT, timeout=600)
    assert first.code == 0, first.err
    again = run_cli(*arguments, cwd=tmp_path, home=tmp_path / "home", environment=ENVIRONMENT, timeout=600)
    assert again.out.startswith("nothing new: "), again.err
    rows = pq.read_table(tiny_run.run.predictions).to_pylist()[:3]
    texts = [row["text"] for row in rows]
    answer = run_python(CLASSIFY, repo_id, *texts, cwd=tmp_path, home=tmp_path / "fresh", environment=ENVIRONMENT)
    assert answer.code == 0, answer.err
    for row, fractions in zip(rows, json.loads(answer.out.splitlines()[-1]), strict=True):
        assert fractions == pytest.approx({name: row[f"probability of {name}"] for name in fractions}, abs=1e-5)
    assert TOKEN not in first.out + first.err + again.out + again.err
