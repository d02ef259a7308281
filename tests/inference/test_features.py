"""Features are those of the encoder itself, row for row."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertForMaskedLM

from hf_newscls.inference.predicting import compute_features
from hf_newscls.modeling.loading import load_pretrained
from hf_newscls.recipe.model import ModelSection
from tests.tiny_models import load_tiny, save_encoder, save_modernbert

TEXTS = ["bank shares", "goal coach league after long week in the north", "orbit"]


@pytest.mark.parametrize("architecture", ["bert", "roberta", "distilbert"])
def test_features_are_what_a_head_would_read(architecture: str, tmp_path: Path) -> None:
    encoder = save_encoder(tmp_path / architecture, architecture)
    section = ModelSection(model_name_or_path=str(encoder), max_length=32)
    classifier = load_pretrained(section, ["A", "B"], seed=1)
    features = compute_features(classifier, TEXTS, batch_size=2)
    for text, row in zip(TEXTS, features, strict=True):
        with torch.inference_mode():
            output = classifier.model.base_model(**classifier.tokenizer(text, return_tensors="pt"))
        # Only BERT has a pooler that was pre-trained.
        expected = output.pooler_output if architecture == "bert" else output.last_hidden_state[:, 0]
        assert row == pytest.approx(expected[0].numpy(), abs=1e-5)


@pytest.mark.parametrize(("pooling", "head"), [("mean", "stock"), ("cls", "stock"), ("mean", "two_layer")])
def test_features_of_modernbert_are_pooled_as_its_head_does(pooling: str, head: str, tmp_path: Path) -> None:
    classifier = load_tiny(save_modernbert(tmp_path, pooling), head=head)
    features = compute_features(classifier, TEXTS, batch_size=3)
    for text, row in zip(TEXTS, features, strict=True):
        with torch.inference_mode():
            hidden = classifier.model.base_model(**classifier.tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        # A two-layer head reads the first token of any encoder.
        expected = hidden.mean(dim=0) if (pooling, head) == ("mean", "stock") else hidden[0]
        assert row == pytest.approx(expected.numpy(), abs=1e-5)


def test_pooler_without_weights_is_not_used(tmp_path: Path) -> None:
    encoder = save_encoder(tmp_path, "bert", model_class=BertForMaskedLM)
    classifier = load_tiny(encoder)
    assert hasattr(classifier.model.base_model, "pooler")
    (row,) = compute_features(classifier, ["bank shares"])
    with torch.inference_mode():
        output = classifier.model.base_model(**classifier.tokenizer("bank shares", return_tensors="pt"))
    assert row == pytest.approx(output.last_hidden_state[0, 0].numpy(), abs=1e-5)


def test_no_text_gives_no_row(tiny_encoder: Path) -> None:
    classifier = load_pretrained(ModelSection(model_name_or_path=str(tiny_encoder), max_length=32), ["A", "B"], seed=1)
    assert compute_features(classifier, []).shape == (0, 32)
    assert compute_features(classifier, []).dtype == np.float32


def test_features_of_a_long_text_are_the_mean_of_its_windows(tmp_path: Path) -> None:
    # 90 words fill three windows of 32: more than the encoder has positions for.
    windows = {"count": 4, "length": 32}
    classifier = load_tiny(save_encoder(tmp_path, "bert"), max_length=None, windows=windows)
    words = (["bank", "shares", "goal", "coach", "league", "new", "report"] * 13)[:90]
    parts = [" ".join(words[start : start + 30]) for start in range(0, 90, 30)]
    found = compute_features(classifier, [" ".join(words), *parts])
    assert found[0] == pytest.approx(found[1:].mean(axis=0), abs=1e-5)
    assert compute_features(classifier, [" ".join(words * 9)]).shape == (1, 32)
