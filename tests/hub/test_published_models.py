"""What was published gives the stored predictions anywhere: in a fresh process, on an empty cache, by the stock way."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.conftest import FinishedRun
from tests.hub_server import HubServer
from tests.processes import CommandLine, build_environment, read_files, run_python

pytestmark = pytest.mark.slow

CLASSIFY = """
import json, sys
from transformers import pipeline
repo, texts, options = json.loads(sys.stdin.read())
classifier = pipeline("text-classification", model=repo, top_k=None, **options)
print(json.dumps([{part["label"]: part["score"] for part in answer} for answer in classifier(texts, truncation=True)]))
"""
KINDS = {
    "stock": (),
    "two_layer": ("model.head=two_layer", "model.head_dropout=0.1"),
    "lora": ("adapter.rank=4",),
}


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.mark.parametrize("kind", KINDS)
def test_pipeline_gives_the_stored_predictions(
    kind: str, train_once: Callable[..., FinishedRun], hub: HubServer, tmp_path: Path, fresh_home: Path
) -> None:
    found = train_once(f"tiny_{kind}", *KINDS[kind])
    shutil.copytree(found.run.path, tmp_path / "runs" / "one")
    environment = build_environment(tmp_path / "other", **hub.build_environment())
    before = read_files(tmp_path / "runs")
    with CommandLine(cwd=tmp_path, environment=environment) as command_line:
        result = command_line.run("publish", "runs/one", "--repo-id", f"owner/{kind}")
    assert result.code == 0, result.err
    assert len(hub.repos[f"owner/{kind}"].commits) == 1
    assert read_files(tmp_path / "runs") == before

    stored = pq.read_table(found.run.predictions).to_pylist()
    options = {"trust_remote_code": True} if kind == "two_layer" else {}
    asked = json.dumps([f"owner/{kind}", [row["text"] for row in stored], options])
    answer = run_python(CLASSIFY, cwd=fresh_home, home=fresh_home, environment=hub.build_environment(), stdin=asked)
    assert answer.code == 0, answer.err
    for row, shares in zip(stored, json.loads(answer.out.splitlines()[-1]), strict=True):
        assert shares == pytest.approx({name: row[f"probability of {name}"] for name in shares}, abs=1e-5)
