"""A stranger's process gives the stored probabilities, wherever a model has its texts cut."""

from pathlib import Path
from typing import Any

import pytest

from hf_newscls.errors import PublishError
from hf_newscls.hub.reproduction import Sample, check_reproduction
from hf_newscls.inference.predicting import load_classifier, predict_probabilities
from tests.conftest import LABELS
from tests.tiny_models import load_tiny, save_encoder

WORDS = ["bank", "shares", "profit", "planet", "cells", "fossil", "goal", "coach", "league", "new", "report", "says"]
LONG = " ".join((WORDS * 6)[:70])


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
