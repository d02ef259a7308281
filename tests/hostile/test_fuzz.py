"""Any damage to a file of a stranger ends with an answer or with one of our errors, without a hang and within 1 GB."""

import bz2
import contextlib
import gzip
import json
import lzma
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yaml import YAMLError

from hf_newscls.comparison.model_scores import read_card, read_metrics
from hf_newscls.comparison.published_predictions import read_published_predictions
from hf_newscls.errors import DataError
from hf_newscls.files import read_card_metadata
from hf_newscls.inference.predicting import load_classifier, predict_probabilities
from hf_newscls.recipe.loading import read_recipe
from hf_newscls.report.predictions import hash_predictions, predictions_to_parquet
from tests.conftest import FinishedRun
from tests.data.excel_files import write_ods, write_xlsx
from tests.data.readers.test_limits import zip_one
from tests.data.reading import read_rows
from tests.hostile.damage import answers_or_refuses, damaged, fuzz

pytestmark = pytest.mark.hostile

ROWS = [{"title": f"Café {index}, open\nlate", "label": "REAL" if index % 2 else "FAKE"} for index in range(20)]
CSV = "title,label\n" + "".join(f'"{row["title"]}",{row["label"]}\n' for row in ROWS)


def read_news(path: Path) -> object:
    return read_rows(path, columns=["title", "label"])


def build_parquet(folder: Path, compression: str) -> bytes:
    pq.write_table(pa.Table.from_pylist(ROWS), folder / "whole.parquet", compression=compression)
    return (folder / "whole.parquet").read_bytes()


def build_sheet(folder: Path, write: Callable[..., Path]) -> bytes:
    return write(folder / "whole", {"News": [["title", "label"], *[[*row.values()] for row in ROWS]]}).read_bytes()


DATA: dict[str, Callable[[Path], bytes]] = {
    "csv": lambda folder: CSV.encode(),
    "utf-16.csv": lambda folder: CSV.encode("utf-16"),
    "json": lambda folder: json.dumps(ROWS).encode(),
    "jsonl": lambda folder: "\n".join(map(json.dumps, ROWS)).encode(),
    "wrapped.json": lambda folder: json.dumps({"data": {"items": ROWS}, "next": None}).encode(),
    "parquet": lambda folder: build_parquet(folder, "none"),
    "snappy.parquet": lambda folder: build_parquet(folder, "snappy"),
    "csv.zip": lambda folder: zip_one(CSV.encode()),
    "csv.gz": lambda folder: gzip.compress(CSV.encode(), mtime=0),
    "csv.bz2": lambda folder: bz2.compress(CSV.encode()),
    "csv.xz": lambda folder: lzma.compress(CSV.encode()),
    "csv.zst": lambda folder: pa.compress(CSV.encode(), codec="zstd", asbytes=True),
    "xlsx": lambda folder: build_sheet(folder, write_xlsx),
    "ods": lambda folder: build_sheet(folder, write_ods),
}


@pytest.mark.parametrize("kind", DATA)
@fuzz
@given(data=st.data())
def test_news_file(kind: str, data: st.DataObject, tmp_path: Path) -> None:
    content = data.draw(damaged(DATA[kind](tmp_path)))
    answers_or_refuses(read_news, tmp_path / f"news.{kind}", content)


@fuzz
@given(data=st.data())
def test_recipe(data: st.DataObject, tiny_run: FinishedRun, tmp_path: Path) -> None:
    whole = tiny_run.run.recipe.read_bytes()
    answers_or_refuses(lambda path: read_recipe(str(path)), tmp_path / "news.yaml", data.draw(damaged(whole)))


@fuzz
@given(data=st.data())
def test_card(data: st.DataObject, tiny_run: FinishedRun, tmp_path: Path) -> None:
    text = data.draw(damaged((tiny_run.run.model / "README.md").read_bytes())).decode(errors="replace")
    for read in (read_card_metadata, read_card):
        with contextlib.suppress(ValueError, YAMLError):  # a DataError is a ValueError
            read(text)


@fuzz
@given(data=st.data())
def test_metrics(data: st.DataObject, tiny_run: FinishedRun) -> None:
    text = data.draw(damaged(tiny_run.run.metrics.read_bytes())).decode(errors="replace")
    with contextlib.suppress(DataError):
        read_metrics(text)


@fuzz
@given(data=st.data())
def test_published_predictions(data: st.DataObject, tiny_run: FinishedRun, tmp_path: Path) -> None:
    whole = predictions_to_parquet(hash_predictions(tiny_run.run.predictions))
    answers_or_refuses(read_published_predictions, tmp_path / "predictions.parquet", data.draw(damaged(whole)))


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"])
@fuzz
@given(data=st.data())
def test_model(name: str, data: st.DataObject, tiny_run: FinishedRun, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    if not folder.exists():
        shutil.copytree(tiny_run.run.model, folder)
    whole = (tiny_run.run.model / name).read_bytes()
    # Most of the weights are numbers; the header in front decides how they are read.
    start, rest = (whole[:3000], whole[3000:]) if name == "model.safetensors" else (whole, b"")

    def classify(path: Path) -> None:
        predict_probabilities(load_classifier(path.parent), ["the bank reports a profit"])

    answers_or_refuses(classify, folder / name, data.draw(damaged(start)) + rest)
