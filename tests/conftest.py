"""Fixtures shared by all tests: a tiny encoder, a tiny news file and recipes that use them."""

import csv
import gc
import logging
import os
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hf_newscls.cli import main
from hf_newscls.recipe.loading import read_recipe
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.runs.folder import RunFolder
from tests.hub_server import TOKEN, HubServer
from tests.processes import Result

if TYPE_CHECKING:
    from hf_newscls.evaluation.report import EvaluationReport

LABELS = ("BUSINESS", "SCIENCE", "SPORTS")
_WORDS = {
    "BUSINESS": ("bank", "shares", "profit", "market", "merger"),
    "SCIENCE": ("planet", "cells", "fossil", "orbit", "genome"),
    "SPORTS": ("goal", "coach", "league", "match", "medal"),
}
# With less training the tiny model predicts one label for most texts, and tests would not see rows that are mixed up.
LEARNS = (
    "training_arguments.learning_rate=2e-3",
    "training_arguments.num_train_epochs=14",
    "training_arguments.per_device_train_batch_size=4",
)
_FILLERS = ("new", "report", "says", "after", "long", "week", "in", "the", "north", "two", "more", "over")


def pytest_collection_finish() -> None:
    """Take what the imports made out of the garbage collector's sight: each Trainer runs it, for half a second."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep prepared rows out of the user's cache, and the user's out of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_NEWSCLS_CACHE", str(tmp_path_factory.mktemp("prepared")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _float32_on_cpu() -> Iterator[None]:
    """Predict in float32 in this process, as the tiny recipe trains: tests expect the same values on all CPUs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hf_newscls.modeling.acceleration.bfloat16.has_fast_cpu_bf16", lambda: False)
        yield


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A two-layer BERT with random weights (hidden size 32) and a tokenizer that knows the tiny news words."""
    from transformers import BertConfig, BertModel, BertTokenizerFast, set_seed

    folder = tmp_path_factory.mktemp("tiny_encoder")
    # Written, not trained: the tokenizers library numbers what it learns in another order in each process.
    words = sorted({word for group in (*_WORDS.values(), _FILLERS) for word in group})
    letters = sorted({*"".join(words)})
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = [*special, *letters, *(f"##{letter}" for letter in letters), *words]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    fast = BertTokenizerFast(vocab=str(folder / "vocab.txt"), model_max_length=64)
    set_seed(17)
    config = BertConfig(
        vocab_size=200,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        attention_probs_dropout_prob=0.0,
    )
    BertModel(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


def build_news_rows() -> list[dict[str, str]]:
    """120 rows of title, body, category and date; three of the five words of a title show its class."""
    rng = random.Random(17)
    rows = []
    for index in range(120):
        label = LABELS[index % 3]
        title = [*rng.sample(_WORDS[label], 3), *rng.sample(_FILLERS, 2)]
        body = rng.choices([*_WORDS[label], *_FILLERS], k=rng.randint(3, 30))
        rows.append(
            {
                "title": f"{' '.join(title)} {index}",
                "body": " ".join(body),
                "category": label,
                "date": f"2020-01-{index % 28 + 1:02}",
            }
        )
    return rows


@pytest.fixture(scope="session")
def news_rows() -> list[dict[str, str]]:
    """The tiny news."""
    return build_news_rows()


@pytest.fixture(scope="session")
def news_csv(news_rows: list[dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny news as CSV."""
    path = tmp_path_factory.mktemp("news") / "news.csv"
    write_csv(path, news_rows)
    return path


@pytest.fixture
def make_recipe(tiny_encoder: Path, news_csv: Path, tmp_path: Path) -> Callable[..., Recipe]:
    """Build a recipe over the tiny news and the tiny encoder; arguments are `section.key=value` overrides."""
    path = write_recipe(tmp_path / "tiny.yaml", source=news_csv, encoder=tiny_encoder)
    return lambda *overrides: read_recipe(str(path), overrides)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real news files that HF_NEWSCLS_DATA names."""
    folder = Path(os.environ.get("HF_NEWSCLS_DATA", ""))
    if not os.environ.get("HF_NEWSCLS_DATA") or not folder.is_dir():
        pytest.skip("needs real news files: set HF_NEWSCLS_DATA to their folder")
    return folder


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command line in this process: `call("train", "tiny.yaml")`."""
    # What the command line sets for its process is taken back after the test.
    for name in ("TRANSFORMERS_VERBOSITY", "HF_DATASETS_DISABLE_PROGRESS_BARS", "TOKENIZERS_PARALLELISM"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.setattr(logging.getLogger("hf_newscls"), "level", logging.WARNING)

    def run(*arguments: str) -> Result:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["hf-newscls", *arguments])
        with pytest.raises(SystemExit) as stop:
            main()
        return Result(int(stop.value.code or 0), *capsys.readouterr())

    return run


@dataclass(frozen=True)
class FinishedRun:
    """A run that `workflow.train` made. All tests share it: change only a copy."""

    recipe: Recipe
    run: RunFolder
    report: "EvaluationReport"
    runs_dir: Path
    cards_dir: Path


@pytest.fixture(scope="session")
def noisy_csv(news_rows: list[dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny news with every tenth row under the next label, still 40 a label: no model is right on all."""
    path = tmp_path_factory.mktemp("noisy") / "news.csv"
    wrong = dict(zip(LABELS, [*LABELS[1:], LABELS[0]], strict=True))
    write_csv(
        path,
        [
            row | {"category": wrong[row["category"]] if index % 10 == 4 else row["category"]}
            for index, row in enumerate(news_rows)
        ],
    )
    return path


@pytest.fixture(scope="session")
def train_once(
    tiny_encoder: Path, noisy_csv: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., FinishedRun]:
    """Train the tiny recipe under another name, long enough to learn; all runs stand in one runs folder."""
    workspace = tmp_path_factory.mktemp("workspace")
    path = write_recipe(workspace / "tiny.yaml", source=noisy_csv, encoder=tiny_encoder)

    def train(name: str, *overrides: str) -> FinishedRun:
        from hf_newscls import workflow

        recipe = read_recipe(str(path), [f"name={name}", *LEARNS, *overrides])
        runs_dir, cards_dir = workspace / "runs", workspace / "model_cards"
        run = workflow.train(recipe, runs_dir=runs_dir, cards_dir=cards_dir)
        return FinishedRun(recipe, RunFolder(run.path), run.report, runs_dir, cards_dir)

    return train


@pytest.fixture(scope="session")
def tiny_run(train_once: Callable[..., FinishedRun]) -> FinishedRun:
    """A finished run of a stock model that is right on most test rows, but not on all."""
    return train_once("tiny")


@pytest.fixture(scope="session")
def tiny_two_layer_run(train_once: Callable[..., FinishedRun]) -> FinishedRun:
    """The same with a two-layer head, which travels as code."""
    return train_once("tiny_two_layer", "model.head=two_layer", "model.head_dropout=0.1")


@pytest.fixture
def hub_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A Hub that this process uses, with fresh caches.

    What huggingface_hub and datasets read from the environment they have read already.
    """
    import datasets.config
    from huggingface_hub import constants

    with HubServer() as server:
        changes = {
            "ENDPOINT": server.endpoint,
            "HUGGINGFACE_CO_URL_TEMPLATE": server.endpoint + "/{repo_id}/resolve/{revision}/{filename}",
            "HF_HUB_CACHE": str(tmp_path / "home" / "hub"),
            "HF_HUB_DISABLE_XET": True,
            "HF_HUB_OFFLINE": False,
        }
        for name, value in changes.items():
            monkeypatch.setattr(constants, name, value)
        monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "home" / "datasets")
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield server


@pytest.fixture
def fresh_home(tmp_path: Path) -> Path:
    """A folder for caches and tokens that holds none."""
    home = tmp_path / "home"
    home.mkdir()
    return home


def read_table(run: RunFolder) -> list[dict[str, Any]]:
    """Return the rows of a run's predictions."""
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = pq.read_table(run.predictions).to_pylist()
    return rows


def write_csv(path: Path, rows: Sequence[dict[str, str]]) -> None:
    """Write rows with a header of their keys."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=[*rows[0]])
        writer.writeheader()
        writer.writerows(rows)


def write_recipe(path: Path, *, source: Path, encoder: Path) -> Path:
    """Write the recipe `tiny`: two short stages of a tiny encoder on title and body."""
    path.write_text(
        f"""\
name: tiny
data:
  source: {source}
  text: [title, body]
  label: category
  keep: [date]
split: {{train: 0.6, validation: 0.2, test: 0.2}}
model: {{model_name_or_path: {encoder}, max_length: 32}}
freeze: {{epochs: 1, learning_rate: 1e-2, warmup: 0.1}}
training_arguments:
  learning_rate: 5e-3
  num_train_epochs: 2
  per_device_train_batch_size: 8
  logging_steps: 2
  use_cpu: true
  bf16: false
  disable_tqdm: true
evaluation: {{top_k: [2], bootstrap_resamples: 100}}
"""
    )
    return path
