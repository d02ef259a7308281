"""Published models reproduce the stored predictions in a fresh process with an empty cache and the stock pipeline."""

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
repo, texts, options, cutting = json.loads(sys.stdin.read())
classifier = pipeline("text-classification", model=repo, top_k=None, **options)
answers = classifier(texts, batch_size=4, **cutting)
print(json.dumps([{part["label"]: part["score"] for part in answer} for answer in answers]))
"""
KINDS: dict[str, tuple[str, ...]] = {
    "stock": (),
    "two_layer": ("model.head=two_layer", "model.head_dropout=0.1"),
    "lora": ("adapter.r=4",),
    "windowed": ("model={max_length: null, windows: {count: 8, length: 8, pooling: attention}}",),
}
CARRY_CODE = ("two_layer", "windowed")
SPLIT_LONG_TEXTS = ("windowed",)


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture
def publish(train_once: Callable[..., FinishedRun], hub: HubServer, tmp_path: Path) -> Callable[[str], FinishedRun]:
    """Train a kind of model, and publish it as `owner/KIND` in a fresh process."""

    def publish_kind(kind: str) -> FinishedRun:
        found = train_once(f"tiny_{kind}", *KINDS[kind])
        shutil.copytree(found.run.path, tmp_path / "runs" / "one")
        environment = build_environment(tmp_path / "other", **hub.build_environment())
        before = read_files(tmp_path / "runs")
        with CommandLine(cwd=tmp_path, environment=environment) as command_line:
            result = command_line.run("publish", "runs/one", "--repo-id", f"owner/{kind}")
        assert result.code == 0, result.err
        assert read_files(tmp_path / "runs") == before
        return found

    return publish_kind


def classify(model: str, kind: str, texts: list[str], *, home: Path, hub: HubServer) -> list[dict[str, float]]:
    """Return the answers of the stock pipeline in a fresh process with an empty cache."""
    options = {"trust_remote_code": True} if kind in CARRY_CODE else {}
    cutting = {} if kind in SPLIT_LONG_TEXTS else {"truncation": True}
    asked = json.dumps([model, texts, options, cutting])
    answer = run_python(CLASSIFY, cwd=home, home=home, environment=hub.build_environment(), stdin=asked)
    assert answer.code == 0, answer.err
    found: list[dict[str, float]] = json.loads(answer.out.splitlines()[-1])
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_pipeline_reproduces_the_stored_predictions(
    kind: str, publish: Callable[[str], FinishedRun], hub: HubServer, fresh_home: Path
) -> None:
    stored = pq.read_table(publish(kind).run.predictions).to_pylist()
    assert len(hub.repos[f"owner/{kind}"].commits) == 1
    found = classify(f"owner/{kind}", kind, [row["text"] for row in stored], home=fresh_home, hub=hub)
    for row, fractions in zip(stored, found, strict=True):
        assert fractions == pytest.approx({name: row[f"probability of {name}"] for name in fractions}, abs=1e-5)


def test_pipeline_gives_the_same_for_5000_words_from_hub_and_folder(
    publish: Callable[[str], FinishedRun], hub: HubServer, fresh_home: Path
) -> None:
    # Eight windows of 8 tokens cover 48 words, not the 49th.
    ends = (["planet", "goal"], ["bank", "goal"], ["planet", "bank"])
    texts = [" ".join([*["goal"] * 47, *end, *["coach"] * 4951]) for end in ends]
    assert {len(text.split()) for text in texts} == {5000}
    folder = str(publish("windowed").run.model)
    first, second, third = found = classify("owner/windowed", "windowed", texts, home=fresh_home, hub=hub)
    assert first != second
    assert third == pytest.approx(first, abs=1e-6)
    assert found == classify(folder, "windowed", texts, home=fresh_home, hub=hub)
