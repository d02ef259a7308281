"""A model is loaded in a fresh process before it is published."""

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_newscls.errors import PublishError, RunError
from hf_newscls.hub import load_check
from hf_newscls.hub.load_check import Sample, check_reproduction, read_samples
from hf_newscls.inference.predicting import load_classifier, predict_probabilities
from hf_newscls.modeling.adapters import add_adapter, save_adapter
from hf_newscls.recipe.model import AdapterSection, ModelSection
from tests.conftest import LABELS
from tests.hub_server import HubServer
from tests.processes import read_files
from tests.tiny_models import load_tiny, save_encoder

WORDS = ["bank", "shares", "profit", "planet", "cells", "fossil", "goal", "coach", "league", "new", "report", "says"]
LONG = " ".join((WORDS * 6)[:70])


def test_process_that_takes_too_long_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_check, "_PATIENCE_SECONDS", 0.01)
    with pytest.raises(PublishError, match=r"0\.01 s"):
        check_reproduction(tmp_path, [Sample("bank", {"BUSINESS": 1.0})])


def test_samples_are_the_first_the_middle_and_the_last_row(tmp_path: Path) -> None:
    columns = {"text": [*"abcde"], "probability of X": [0.0, 0.1, 0.2, 0.3, 0.4], "probability of Y": [1.0] * 5}
    pq.write_table(pa.table(columns), tmp_path / "predictions.parquet")
    expected = [Sample("a", {"X": 0.0, "Y": 1.0}), Sample("c", {"X": 0.2, "Y": 1.0}), Sample("e", {"X": 0.4, "Y": 1.0})]
    assert read_samples(tmp_path / "predictions.parquet") == expected


@pytest.mark.parametrize("rows", [None, 0])
def test_missing_and_empty_predictions_are_refused(rows: int | None, tmp_path: Path) -> None:
    if rows is not None:
        pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "predictions.parquet")
    with pytest.raises(RunError, match=r"predictions\.parquet"):
        read_samples(tmp_path / "predictions.parquet")


@pytest.mark.slow
def test_adapter_uses_the_encoder_revision_of_its_training(
    tiny_encoder: Path, hub_here: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "HF_ENDPOINT", hub_here.endpoint)
    repo = hub_here.create_repo("owner/encoder", files=read_files(tiny_encoder))
    folder = tmp_path / "adapter"
    adapted = add_adapter(load_tiny(tiny_encoder), AdapterSection(), seed=3)
    save_adapter(adapted.model, folder, base_model="owner/encoder", revision=repo.head)
    adapted.tokenizer.save_pretrained(folder)
    repo.write({"config.json": b"{}", "model.safetensors": b"of another model"}, "Train again")
    classifier = load_classifier(folder, encoder=ModelSection(model_name_or_path=str(tiny_encoder)))
    (row,) = predict_probabilities(classifier, ["bank"])
    sample = Sample("bank", dict(zip(LABELS, map(float, row), strict=True)))
    check_reproduction(folder, [sample], base="owner/encoder")


@pytest.mark.slow
@pytest.mark.parametrize(
    "section",
    [
        {"truncation": "head_tail"},
        {"truncation": "tail"},
        {"truncation": "head_tail", "max_length": None, "windows": {"count": 4, "length": 8}},
    ],
    ids=["both ends", "tail", "windows"],
)
def test_long_text_reproduces_its_prediction(section: dict[str, Any], tmp_path: Path) -> None:
    loaded = load_tiny(save_encoder(tmp_path / "encoder", "bert", initializer_range=0.5), **section)
    loaded.model.save_pretrained(tmp_path / "model")
    loaded.tokenizer.save_pretrained(tmp_path / "model")
    texts = [LONG, "goal coach"]
    stored = predict_probabilities(load_classifier(tmp_path / "model"), texts)
    samples = [
        Sample(text, dict(zip(LABELS, map(float, row), strict=True))) for text, row in zip(texts, stored, strict=True)
    ]
    check_reproduction(tmp_path / "model", samples)
    swapped = [Sample(texts[0], samples[1].probabilities)]
    with pytest.raises(PublishError, match=r"fresh process.*predictions"):
        check_reproduction(tmp_path / "model", swapped)
