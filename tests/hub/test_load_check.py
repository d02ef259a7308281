"""A model that is published has been loaded in a process of its own, as who downloads it would."""

import os
from pathlib import Path
from typing import Any

import pytest

from hf_newscls.errors import PublishError
from hf_newscls.hub import load_check
from hf_newscls.hub.load_check import Sample, check_reproduction
from hf_newscls.inference.predicting import load_classifier, predict_probabilities
from hf_newscls.modeling.adapters import add_adapter, save_adapter
from hf_newscls.recipe.model import AdapterSection, ModelSection
from tests.conftest import LABELS
from tests.hub_server import HubServer
from tests.processes import read_files
from tests.tiny_models import load_tiny, save_encoder

WORDS = ["bank", "shares", "profit", "planet", "cells", "fossil", "goal", "coach", "league", "new", "report", "says"]
LONG = " ".join((WORDS * 6)[:70])


def test_process_that_does_not_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_check, "_PATIENCE_SECONDS", 0.01)
    with pytest.raises(PublishError, match=r"must classify 1 texts in a fresh process within 0\.01 s, got no answer;"):
        check_reproduction(tmp_path, [Sample("bank", {"BUSINESS": 1.0})])


@pytest.mark.slow
def test_adapter_is_laid_over_the_revision_it_was_trained_on(
    tiny_encoder: Path, hub_here: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "HF_ENDPOINT", hub_here.endpoint)
    repo = hub_here.create_repo("owner/encoder", files=read_files(tiny_encoder))
    folder = tmp_path / "adapter"
    adapted = add_adapter(load_tiny(tiny_encoder), AdapterSection(), seed=3)
    save_adapter(adapted.model, folder, base_model="owner/encoder", revision=repo.head)
    adapted.tokenizer.save_pretrained(folder)
    repo.write({"config.json": b"{}", "model.safetensors": b"of another model"}, "Train anew")
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
def test_long_text_gets_what_is_stored_of_it(section: dict[str, Any], tmp_path: Path) -> None:
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
    with pytest.raises(PublishError, match="must give the probabilities that were measured"):
        check_reproduction(tmp_path / "model", swapped)
