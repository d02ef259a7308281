"""Prediction: row i is text i, whatever the lengths and batches; what cannot be loaded is refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tokenizers.processors import TemplateProcessing
from transformers import (
    AutoTokenizer,
    BertForMaskedLM,
    BertForSequenceClassification,
    RobertaForSequenceClassification,
    pipeline,
)

from hf_newscls.errors import ModelError
from hf_newscls.inference import predicting
from hf_newscls.inference.predicting import TrainedClassifier, compute_features, load_classifier, predict_probabilities
from hf_newscls.modeling.loading import load_pretrained
from hf_newscls.recipe.model import ModelSection
from tests.conftest import LABELS
from tests.tiny_models import load_tiny, save_encoder, save_modernbert

WORDS = ["bank", "shares", "profit", "planet", "cells", "fossil", "goal", "coach", "league", "new", "report", "says"]
# Neither sorted by length nor all different in it.
TEXTS = [" ".join(WORDS[index % 7 :: 1 + index % 3] * (1 + index % 4)) for index in range(23)]


@pytest.fixture(scope="module", params=["stock", "two_layer"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The saved model folder of a run, with each kind of head; its weights are large enough for texts to differ."""
    folder = tmp_path_factory.mktemp(request.param)
    encoder = save_encoder(folder / "encoder", "bert", initializer_range=0.5)
    loaded = load_tiny(encoder, labels=["SPORTS", "BUSINESS", "SCIENCE"], head=request.param)
    loaded.model.save_pretrained(folder / "model")
    loaded.tokenizer.save_pretrained(folder / "model")
    return folder / "model"


@pytest.fixture(scope="module")
def classifier(folder: Path) -> TrainedClassifier:
    """The classifier read back from its folder."""
    return load_classifier(folder)


def test_rows_are_probabilities(classifier: TrainedClassifier) -> None:
    probabilities = predict_probabilities(classifier, TEXTS)
    assert probabilities.shape == (23, 3)
    assert probabilities.dtype == np.float32
    assert probabilities.min() >= 0
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(23), abs=1e-6)


@torch.no_grad()
def test_row_i_is_text_i(classifier: TrainedClassifier) -> None:
    expected = []
    for text in TEXTS:
        encoded = classifier.tokenizer(text, truncation=True, max_length=32, return_tensors="pt")
        logits = classifier.model(**encoded).logits[0].double().numpy()
        expected.append(np.exp(logits) / np.exp(logits).sum())
    assert predict_probabilities(classifier, TEXTS) == pytest.approx(np.asarray(expected), abs=1e-5)
    # The rows differ, so another order would be seen.
    assert len({tuple(row.round(3)) for row in expected}) > 10


@pytest.mark.parametrize("batch_tokens", [1, 20, 64, 100_000])
def test_batch_size_changes_nothing(
    batch_tokens: int, classifier: TrainedClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predicting, "_CPU_BATCH_TOKENS", 48)
    expected = predict_probabilities(classifier, TEXTS)
    monkeypatch.setattr(predicting, "_CPU_BATCH_TOKENS", batch_tokens)
    assert predict_probabilities(classifier, TEXTS) == pytest.approx(expected, abs=1e-5)


def test_order_of_texts_is_the_order_of_rows(classifier: TrainedClassifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predicting, "_CPU_BATCH_TOKENS", 48)
    order = np.random.default_rng(17).permutation(len(TEXTS))
    shuffled = predict_probabilities(classifier, [TEXTS[index] for index in order])
    assert shuffled == pytest.approx(predict_probabilities(classifier, TEXTS)[order], abs=1e-5)


def test_no_texts_give_no_rows(classifier: TrainedClassifier) -> None:
    probabilities = predict_probabilities(classifier, [])
    assert probabilities.shape == (0, 3)
    assert probabilities.dtype == np.float32


@pytest.mark.parametrize("text", ["", " ", "\n\t", "日本語のニュース", "\x00", "🏟️"])
def test_odd_text_gets_a_row(text: str, classifier: TrainedClassifier) -> None:
    single = predict_probabilities(classifier, [text])
    assert single.sum() == pytest.approx(1, abs=1e-6)
    assert predict_probabilities(classifier, [TEXTS[0], text])[1] == pytest.approx(single[0], abs=1e-5)


def test_text_without_a_token_has_no_probabilities(folder: Path) -> None:
    classifier = load_classifier(folder)
    # As GPT-2 does, which has no tokens before and after a text.
    classifier.tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="$A", special_tokens=[])
    found = predict_probabilities(classifier, ["", TEXTS[0], ""])
    assert np.isnan(found).all(axis=1).tolist() == [True, False, True]
    assert found[1].sum() == pytest.approx(1, abs=1e-6)
    assert np.isnan(predict_probabilities(classifier, [""])).all()


def test_long_text_is_cut_off(classifier: TrainedClassifier) -> None:
    # 32 tokens are [CLS], 30 words and [SEP].
    long = predict_probabilities(classifier, ["bank " * 30 + "goal " * 4970, "bank"])
    assert long[0] == pytest.approx(predict_probabilities(classifier, ["bank " * 30])[0], abs=1e-6)
    assert long[1] == pytest.approx(predict_probabilities(classifier, ["bank"])[0], abs=1e-5)


def test_label_names_are_in_the_order_of_the_outputs(classifier: TrainedClassifier) -> None:
    assert classifier.label_names == ["SPORTS", "BUSINESS", "SCIENCE"]


def test_model_predicts_without_dropout(classifier: TrainedClassifier) -> None:
    assert not any(module.training for module in classifier.model.modules())
    first, second = (predict_probabilities(classifier, TEXTS) for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    ("architecture", "model_class"),
    [("bert", BertForSequenceClassification), ("roberta", RobertaForSequenceClassification)],
)
def test_long_text_is_cut_off_where_the_tokenizer_states_no_limit(
    architecture: str, model_class: type, tmp_path: Path
) -> None:
    # A classifier of someone else's, from the Hub: many tokenizers there have no model_max_length.
    save_encoder(tmp_path, architecture, model_class=model_class, num_labels=4)
    probabilities = predict_probabilities(load_classifier(tmp_path), ["bank " * 5000, "bank"])
    assert probabilities.shape == (2, 4)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(2), abs=1e-6)


def test_padding_never_exceeds_what_the_encoder_reads(tmp_path: Path) -> None:
    # 60 positions are no multiple of 8: a text of 60 tokens must not be padded to 64.
    save_encoder(tmp_path, "bert", model_class=BertForSequenceClassification, max_position_embeddings=60)
    AutoTokenizer.from_pretrained(tmp_path, model_max_length=60).save_pretrained(tmp_path)
    assert predict_probabilities(load_classifier(tmp_path), ["bank " * 100, "bank"]).shape == (2, 2)


@pytest.fixture
def copied(tiny_encoder: Path, tmp_path: Path) -> Path:
    """A stock model folder that a test may damage."""
    loaded = load_tiny(tiny_encoder)
    loaded.model.save_pretrained(tmp_path / "copied")
    loaded.tokenizer.save_pretrained(tmp_path / "copied")
    return tmp_path / "copied"


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_missing_file_is_a_model_error(missing: str, copied: Path) -> None:
    (copied / missing).unlink()
    with pytest.raises(ModelError, match="/copied: "):
        load_classifier(copied)


def test_missing_tokenizer_is_a_model_error(copied: Path) -> None:
    # transformers 5 makes up a tokenizer that turns every word into [UNK].
    for path in [*copied.glob("tokenizer*"), *copied.glob("vocab*")]:
        path.unlink()
    with pytest.raises(ModelError, match="copied"):
        load_classifier(copied)


def test_damaged_weights_are_a_model_error(copied: Path) -> None:
    weights = copied / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])
    with pytest.raises(ModelError, match="copied"):
        load_classifier(copied)


def test_pickled_weights_are_refused(copied: Path) -> None:
    torch.save(load_file(copied / "model.safetensors"), copied / "pytorch_model.bin")
    (copied / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="copied"):
        load_classifier(copied)


def test_encoder_without_a_head_is_refused(tiny_encoder: Path) -> None:
    # transformers would put random numbers in its place and predict with them.
    with pytest.raises(ModelError, match=r"'classifier\.bias'"):
        load_classifier(tiny_encoder)


@pytest.mark.parametrize("address", ["/nowhere/at/all", "./nowhere"])
def test_missing_folder_is_a_model_error(address: str) -> None:
    with pytest.raises(ModelError, match="nowhere"):
        load_classifier(address)


@pytest.mark.parametrize("answer", ["y", "n"])
def test_code_in_the_folder_is_never_run(
    answer: str, copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (copied / "trap.py").write_text(f"import pathlib\npathlib.Path({str(tmp_path / 'sprung')!r}).touch()\n")
    config = json.loads((copied / "config.json").read_text())
    auto_map = {"AutoConfig": "trap.C", "AutoModelForSequenceClassification": "trap.C"}
    (copied / "config.json").write_text(json.dumps(config | {"model_type": "trap", "auto_map": auto_map}))
    # On a terminal transformers asks whether it may run the code.
    monkeypatch.setattr("builtins.input", lambda prompt: answer)
    with pytest.raises(ModelError, match="copied"):
        load_classifier(copied)
    assert not (tmp_path / "sprung").exists()


def test_two_layer_folder_uses_the_installed_code(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "model")
    for path in (tmp_path / "model").glob("*.py"):
        path.write_text("raise SystemExit('code that travels with a model was run')\n")
    assert load_classifier(tmp_path / "model").label_names == sorted(LABELS, key=["SPORTS", *LABELS].index)


@torch.no_grad()
@pytest.mark.parametrize("windows", [None, {"count": 4, "length": 8}], ids=["plain", "windows"])
@pytest.mark.parametrize("truncation", ["head", "tail", "head_tail"])
def test_text_is_cut_where_the_model_was_trained_to_be(
    truncation: str, windows: dict[str, int] | None, tmp_path: Path
) -> None:
    encoder = save_encoder(tmp_path / "encoder", "bert", initializer_range=0.5)
    # 32 tokens hold 30 words, 7 from the head; four windows of eight hold 24, 6 from the head.
    max_length, words = (None, 24) if windows else (32, 30)
    loaded = load_tiny(encoder, truncation=truncation, max_length=max_length, windows=windows)
    loaded.model.save_pretrained(tmp_path / "model")
    loaded.tokenizer.save_pretrained(tmp_path / "model")
    text = (WORDS * 6)[:70]
    head = {"head": words, "tail": 0, "head_tail": words // 4}[truncation]
    kept = [*text[:head], *text[70 - words + head :]]
    found = predict_probabilities(load_classifier(tmp_path / "model"), [" ".join(text), " ".join(kept)])
    assert found[0] == pytest.approx(found[1], abs=1e-6)
    classify = pipeline("text-classification", model=str(tmp_path / "model"), top_k=None)
    (scores,) = classify([" ".join(text)], **({} if windows else {"truncation": True}))
    differences = [abs(score["score"] - found[0][LABELS.index(score["label"])]) for score in scores]
    # A plain model's tokenizer can only cut at one end.
    assert (max(differences) < 1e-6) == (windows is not None or truncation != "head_tail")


# Features are those of the encoder itself, row for row.

NEWS = ["bank shares", "goal coach league after long week in the north", "orbit"]


@pytest.mark.parametrize("architecture", ["bert", "roberta", "distilbert"])
def test_features_are_what_a_head_would_read(
    architecture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predicting, "_CPU_BATCH_TOKENS", 16)
    encoder = save_encoder(tmp_path / architecture, architecture)
    section = ModelSection(model_name_or_path=str(encoder), max_length=32)
    classifier = load_pretrained(section, ["A", "B"], seed=1)
    features = compute_features(classifier, NEWS)
    for text, row in zip(NEWS, features, strict=True):
        with torch.inference_mode():
            output = classifier.model.base_model(**classifier.tokenizer(text, return_tensors="pt"))
        # Only BERT has a pooler that was pre-trained.
        expected = output.pooler_output if architecture == "bert" else output.last_hidden_state[:, 0]
        assert row == pytest.approx(expected[0].numpy(), abs=1e-5)


@pytest.mark.parametrize(("pooling", "head"), [("mean", "stock"), ("cls", "stock"), ("mean", "two_layer")])
def test_features_of_modernbert_are_pooled_as_its_head_does(
    pooling: str, head: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predicting, "_CPU_BATCH_TOKENS", 16)
    classifier = load_tiny(save_modernbert(tmp_path, pooling), head=head)
    features = compute_features(classifier, NEWS)
    for text, row in zip(NEWS, features, strict=True):
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


def test_features_in_bfloat16_are_close_to_those_in_float32(
    tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hf_newscls.inference.predicting.has_fast_bf16", lambda device: True)
    classifier = load_pretrained(ModelSection(model_name_or_path=str(tiny_encoder), max_length=32), ["A", "B"], seed=1)
    exact, fast = (compute_features(classifier, NEWS, allow_bf16=allow) for allow in (False, True))
    assert fast == pytest.approx(exact, abs=0.05)
    assert not np.array_equal(fast, exact)


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
