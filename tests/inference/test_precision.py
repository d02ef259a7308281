"""Faster ways to predict give the same answers as the plain one, up to rounding."""

from pathlib import Path

import numpy as np
import pytest
import torch

from hf_newscls.inference.precision import predicting_fast
from hf_newscls.inference.predicting import TrainedClassifier, fingerprint_classifier, predict_probabilities
from tests.tiny_models import load_tiny, save_encoder

TEXTS = ["bank shares", "goal coach league after long week in the north", "orbit", "planet cells fossil", ""]
WINDOWS = {"max_length": None, "windows": {"count": 3, "length": 8}}


@pytest.fixture(params=[{}, {"head": "two_layer"}, WINDOWS], ids=["stock", "two layers", "windows"])
def classifier(request: pytest.FixtureRequest, tmp_path: Path) -> TrainedClassifier:
    loaded = load_tiny(save_encoder(tmp_path, "roberta", initializer_range=0.5), **request.param)
    return TrainedClassifier(loaded.model.eval(), loaded.tokenizer)


def test_float32_differs_by_rounding_only(classifier: TrainedClassifier) -> None:
    plain = predict_probabilities(classifier, TEXTS)
    with predicting_fast(classifier, bf16=False):
        assert predict_probabilities(classifier, TEXTS) == pytest.approx(plain, abs=1e-5)
    assert np.array_equal(predict_probabilities(classifier, TEXTS), plain)


def test_bfloat16_is_close(classifier: TrainedClassifier) -> None:
    plain = predict_probabilities(classifier, TEXTS)
    with predicting_fast(classifier, bf16=True):
        assert classifier.model.dtype == torch.bfloat16
        found = predict_probabilities(classifier, TEXTS)
    assert found.dtype == np.float32
    assert found.sum(axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)
    assert found == pytest.approx(plain, abs=0.1)


def test_fingerprint_is_that_of_the_weights(classifier: TrainedClassifier) -> None:
    before = fingerprint_classifier(classifier)
    assert fingerprint_classifier(classifier) == before
    with torch.no_grad():
        next(classifier.model.parameters())[0, 0] += 1e-3
    assert fingerprint_classifier(classifier) != before
