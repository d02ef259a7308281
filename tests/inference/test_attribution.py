"""Words and their contributions: what they add up to, and values worked by hand."""

import copy
import sys
from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_newscls.errors import InputError
from hf_newscls.inference import attribution
from hf_newscls.inference.attribution import attribute_words, cut_into_parts, cut_to_read
from hf_newscls.inference.predicting import TrainedClassifier, predict_probabilities
from tests.tiny_models import load_tiny, save_encoder

TEXT = "bank shares profit planet"


@pytest.fixture(scope="module", params=["bert", "roberta"])
def classifier(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TrainedClassifier:
    # RoBERTa's tokenizer makes a token of the space behind a word, and of that before the first.
    folder = save_encoder(tmp_path_factory.mktemp("encoder"), request.param, initializer_range=0.5)
    loaded = load_tiny(folder)
    return TrainedClassifier(loaded.model.eval(), loaded.tokenizer)


def compute_shapley(classifier: TrainedClassifier, words: Sequence[str], label: int) -> list[float]:
    """Follow the definition: each word's gain, averaged over all orders."""
    kept = [[index for index in range(len(words)) if number >> index & 1] for number in range(2 ** len(words))]
    texts = [" ".join(words[index] for index in indices) for indices in kept]
    probabilities = predict_probabilities(classifier, texts)[:, label].astype(float)
    gains = np.zeros(len(words))
    orders = [*permutations(range(len(words)))]
    for order in orders:
        numbers = [sum(1 << index for index in order[:count]) for count in range(len(words) + 1)]
        gains[list(order)] += np.diff(probabilities[numbers])
    return list(gains / len(orders))


@pytest.mark.parametrize("label", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_contributions_are_shapley_values(label: int, classifier: TrainedClassifier) -> None:
    found = attribute_words(classifier, TEXT, label=label, samples=400)
    values = [one.value for one in found.contributions]
    assert values == pytest.approx(compute_shapley(classifier, TEXT.split(), label), abs=0.03)
    assert max(map(abs, values)) > 0.05


@pytest.mark.parametrize("text", [TEXT, "bank", "", "  two  spaces \n", "word " * 150])
def test_contributions_add_up(text: str, classifier: TrainedClassifier) -> None:
    found = attribute_words(classifier, text, label=1, samples=2)
    empty, whole = predict_probabilities(classifier, ["", text.strip()])[:, 1].tolist()
    assert found.empty_probability == pytest.approx(empty, abs=1e-6)
    assert found.probability == pytest.approx(whole, abs=1e-6)
    assert found.empty_probability + sum(one.value for one in found.contributions) == pytest.approx(whole, abs=1e-5)
    assert " ".join(one.words for one in found.contributions).split() == text.split()


def test_only_the_seed_decides(classifier: TrainedClassifier) -> None:
    one, same, other = (attribute_words(classifier, TEXT, label=0, samples=3, seed=seed) for seed in (1, 1, 2))
    assert one == same != other


@given(st.text(alphabet="ab \n", max_size=60), st.integers(1, 8))
def test_parts_are_the_text(text: str, at_most: int) -> None:
    parts = cut_into_parts(text, at_most=at_most)
    assert "".join(parts) == text.lstrip()
    assert len(parts) == min(at_most, len(text.split()))
    assert all(part.strip() for part in parts)


def test_words_beyond_the_limit_are_left_out(classifier: TrainedClassifier) -> None:
    text = "  bank shares profit planet cells fossil goal coach"
    short = copy.copy(classifier.tokenizer)
    short.model_max_length = len(short("bank shares profit planet")["input_ids"])
    limited = TrainedClassifier(classifier.model, short)
    read = cut_to_read(limited, text)
    assert read == "bank shares profit planet"
    assert cut_to_read(classifier, text) == text.strip()
    (whole,), (cut,) = (predict_probabilities(limited, [one]).tolist() for one in (text.strip(), read))
    assert cut == pytest.approx(whole, abs=1e-6)


def test_text_whose_end_is_kept_must_be_read_whole(classifier: TrainedClassifier) -> None:
    model = copy.copy(classifier.model)
    model.config = copy.copy(model.config)
    model.config.truncation = "tail"
    limit = classifier.tokenizer.model_max_length
    with pytest.raises(InputError, match=rf"\d+ tokens, .*at most {limit:,};"):
        cut_to_read(TrainedClassifier(model, classifier.tokenizer), "bank " * limit)


def test_missing_captum_is_reported(classifier: TrainedClassifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(InputError, match=r"'captum.*hf-newscls\[explain\]"):
        attribute_words(classifier, TEXT, label=0)


def test_no_more_texts_than_asked_for(classifier: TrainedClassifier, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def count(model: TrainedClassifier, texts: Sequence[str]) -> Any:
        read.append(len(texts))
        return predict_probabilities(model, texts)

    monkeypatch.setattr(attribution, "predict_probabilities", count)
    attribute_words(classifier, "word " * 150, label=0, samples=2)
    assert sum(read) == 2 + 1 + 2 * 64  # empty and whole, whole once more, then each order part by part
    assert max(read) <= 64
