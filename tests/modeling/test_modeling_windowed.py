"""`WindowedClassifier`: one window is the stock model, batch mates change nothing, and it comes back whole."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import AutoModelForSequenceClassification, pipeline

from hf_newscls.modeling.configuration_windowed import WindowedClassifierConfig
from hf_newscls.modeling.loading import PretrainedClassifier
from tests.conftest import LABELS
from tests.tiny_models import load_tiny, save_encoder

TEXTS = ["bank shares", "goal coach league new report", "planet"]
# 190 words, a token each; no two windows of 30 hold the same.
LONG = " ".join((["bank", "shares", "planet", "cells", "goal", "coach", "new"] * 28)[:190])
POOLINGS = ["mean", "max", "attention", "gru"]

_SIZES: dict[str, Any] = {"vocab_size": 300, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
_SIZES |= {"intermediate_size": 64, "max_position_embeddings": 66}
_MODERN = {"pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
# Class of transformers, its settings in addition to the sizes, and the architecture of its tokenizer.
ENCODERS: dict[str, tuple[str, dict[str, Any], str]] = {
    "albert": ("Albert", {"embedding_size": 16}, "bert"),
    "deberta-v2": ("DebertaV2", {"relative_attention": True, "pos_att_type": "p2c|c2p"}, "bert"),
    "electra": ("Electra", {"embedding_size": 32}, "bert"),
    "modernbert, first token": ("ModernBert", {**_MODERN, "classifier_pooling": "cls", "local_attention": 8}, "bert"),
    "modernbert, mean": ("ModernBert", {**_MODERN, "classifier_pooling": "mean", "local_attention": 8}, "bert"),
    "mpnet": ("MPNet", {}, "roberta"),
    "xlm-roberta": ("XLMRoberta", {"pad_token_id": 1}, "roberta"),
}


def save_any(folder: Path, architecture: str) -> Path:
    if architecture not in ENCODERS:
        return save_encoder(folder, architecture)
    name, options, tokenizer = ENCODERS[architecture]
    save_encoder(folder, tokenizer)
    torch.manual_seed(17)
    config = getattr(transformers, f"{name}Config")(**{**_SIZES, **options})
    getattr(transformers, f"{name}Model")(config).save_pretrained(folder)
    return folder


def load_windowed(folder: Path, *, head: str = "stock", **windows: Any) -> PretrainedClassifier:
    section = {"count": 6, "length": 32, **windows}
    classifier = load_tiny(folder, head=head, max_length=None, windows=section)
    classifier.model.eval()
    return classifier


def encode(classifier: PretrainedClassifier, texts: list[str]) -> Any:
    encoded = classifier.tokenizer(texts, padding=True, return_tensors="pt")
    return {name: encoded[name] for name in ("input_ids", "attention_mask")}


@pytest.fixture
def windowed(tiny_encoder: Path) -> PretrainedClassifier:
    """A classifier with six windows of 32 tokens, in eval mode."""
    return load_windowed(tiny_encoder)


@torch.no_grad()
@pytest.mark.parametrize("architecture", ["bert", "roberta", "distilbert", *ENCODERS])
def test_one_window_equals_the_stock_model(architecture: str, tmp_path: Path) -> None:
    folder = save_any(tmp_path, architecture)
    stock, windowed = load_tiny(folder), load_windowed(folder)
    stock.model.eval()
    assert type(stock.model).__name__.endswith("ForSequenceClassification")
    encoded = encode(windowed, TEXTS)
    expected = stock.model(**encoded).logits
    assert torch.equal(windowed.model(**encoded).logits, expected)
    assert expected.std(dim=0).min() > 0


@torch.no_grad()
@pytest.mark.parametrize("head", ["stock", "two_layer"])
@pytest.mark.parametrize("pooling", ["max", "attention"])
def test_one_window_equals_the_plain_model_however_it_is_pooled(pooling: str, head: str, tiny_encoder: Path) -> None:
    plain, windowed = load_tiny(tiny_encoder, head=head), load_windowed(tiny_encoder, head=head, pooling=pooling)
    encoded = encode(windowed, TEXTS)
    assert torch.equal(windowed.model(**encoded).logits, plain.model.eval()(**encoded).logits)


@torch.no_grad()
@pytest.mark.parametrize("architecture", ["bert", "roberta", "distilbert", *ENCODERS])
def test_padding_and_batch_mates_move_no_logit(architecture: str, tmp_path: Path) -> None:
    windowed = load_windowed(save_any(tmp_path, architecture), window_batch_size=4)
    texts = [TEXTS[0], LONG, "", TEXTS[1], LONG[:200]]
    together = windowed.model(**encode(windowed, texts)).logits
    single = torch.cat([windowed.model(**encode(windowed, [text])).logits for text in texts])
    assert together.numpy() == pytest.approx(single.numpy(), abs=1e-6)


@torch.no_grad()
def test_logits_are_the_heads_of_the_mean_window(tiny_encoder: Path) -> None:
    stock, windowed = load_tiny(tiny_encoder), load_windowed(tiny_encoder)
    words = LONG.split()
    # Thirty words fill a window.
    parts = [" ".join(words[start : start + 30]) for start in range(0, 90, 30)]
    vectors = stock.model.eval().bert(**encode(stock, parts)).pooler_output
    expected = stock.model.classifier(vectors.mean(dim=0))
    logits = windowed.model(**encode(windowed, [" ".join(words[:90])])).logits[0]
    assert logits.numpy() == pytest.approx(expected.numpy(), abs=1e-6)


def count_windows(windowed: PretrainedClassifier) -> list[tuple[int, ...]]:
    """Note the shape of each call of the encoder."""
    shapes: list[tuple[int, ...]] = []
    windowed.model.backbone.register_forward_pre_hook(
        lambda _, args, kwargs: shapes.append(tuple(kwargs["input_ids"].shape)), with_kwargs=True
    )
    return shapes


@torch.no_grad()
def test_encoder_runs_only_on_windows_that_hold_tokens(windowed: PretrainedClassifier) -> None:
    shapes = count_windows(windowed)
    windowed.model(**encode(windowed, [LONG, *TEXTS]))
    # 190 words need seven windows, but there are six.
    assert shapes == [(6 + 3, 32)]


@torch.no_grad()
def test_windows_run_in_parts_of_like_length(tiny_encoder: Path) -> None:
    windowed, whole = load_windowed(tiny_encoder, window_batch_size=4), load_windowed(tiny_encoder)
    shapes = count_windows(windowed)
    encoded = encode(windowed, [TEXTS[0], LONG, *TEXTS[1:]])
    logits = windowed.model(**encoded).logits
    # Nine windows: six full ones, and three of 7, 4 and 3 tokens.
    assert shapes == [(4, 32), (4, 32), (1, 3)]
    assert logits.numpy() == pytest.approx(whole.model(**encoded).logits.numpy(), abs=1e-6)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_gradients_of_parts_are_those_of_the_whole(pooling: str, tiny_encoder: Path) -> None:
    def compute_gradients(limit: int | None) -> dict[str, torch.Tensor]:
        windowed = load_windowed(tiny_encoder, pooling=pooling, window_batch_size=limit)
        for module in windowed.model.train().modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        encoded = encode(windowed, [LONG, *TEXTS])
        windowed.model(**encoded, labels=torch.tensor([0, 1, 2, 0])).loss.backward()
        return {name: parameter.grad for name, parameter in windowed.model.named_parameters()}

    whole, parts = compute_gradients(None), compute_gradients(2)
    assert all(gradient.abs().max() > 0 for gradient in whole.values())
    assert min(one.abs().max() for name, one in whole.items() if "query.weight" in name) > 1e-7
    for name, gradient in whole.items():
        torch.testing.assert_close(parts[name], gradient, atol=1e-6, rtol=1e-4)


def test_only_one_parts_activations_are_kept(tiny_encoder: Path) -> None:
    def count_saved(limit: int | None) -> int:
        windowed = load_windowed(tiny_encoder, window_batch_size=limit)
        windowed.model.train()
        saved = 0

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            nonlocal saved
            saved += tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            windowed.model(**encode(windowed, [LONG]), labels=torch.tensor([0]))
        return saved

    assert count_saved(1) < count_saved(None) / 10


@torch.no_grad()
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("head", ["stock", "two_layer"])
def test_saved_model_comes_back_unchanged(head: str, pooling: str, tiny_encoder: Path, tmp_path: Path) -> None:
    windowed = load_windowed(tiny_encoder, head=head, pooling=pooling, stride=4)
    windowed.model.save_pretrained(tmp_path)
    encoded = encode(windowed, [LONG, *TEXTS])
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    assert torch.equal(again(**encoded).logits, windowed.model(**encoded).logits)
    assert again.state_dict().keys() == windowed.model.state_dict().keys()
    assert again.layout == windowed.model.layout


def test_saved_folder_carries_its_code_and_no_path(
    windowed: PretrainedClassifier, tiny_encoder: Path, tmp_path: Path
) -> None:
    windowed.model.save_pretrained(tmp_path)
    windowed.tokenizer.save_pretrained(tmp_path)
    code = {"configuration_windowed.py", "heads.py", "modeling_windowed.py", "windows.py"}
    assert code == {path.name for path in tmp_path.glob("*.py")}
    assert json.loads((tmp_path / "config.json").read_text())["auto_map"] == {
        "AutoConfig": "configuration_windowed.WindowedClassifierConfig",
        "AutoModelForSequenceClassification": "modeling_windowed.WindowedClassifier",
    }
    assert not [path.name for path in tmp_path.iterdir() if str(tiny_encoder).encode() in path.read_bytes()]


def test_config_prints_without_an_encoder() -> None:
    assert json.loads(WindowedClassifierConfig().to_json_string())["model_type"] == "newscls_windowed"


@pytest.fixture
def classify(windowed: PretrainedClassifier, tmp_path: Path) -> Callable[..., Any]:
    """The stock pipeline over the saved model."""
    windowed.model.save_pretrained(tmp_path)
    windowed.tokenizer.save_pretrained(tmp_path)
    return pipeline("text-classification", model=str(tmp_path), top_k=None, function_to_apply="none")


def test_stock_pipeline_takes_5000_words_and_batches_of_mixed_lengths(classify: Callable[..., Any]) -> None:
    texts = [" ".join(["goal coach"] * 2500), "bank", LONG, ""]
    together = classify(texts, batch_size=4)
    for text, scores in zip(texts, together, strict=True):
        (single,) = classify([text])
        assert {score["label"] for score in scores} == {*LABELS}
        expected = {score["label"]: score["score"] for score in single}
        assert {score["label"]: score["score"] for score in scores} == pytest.approx(expected, abs=1e-6)


def test_tokenizer_states_the_whole_budget(windowed: PretrainedClassifier) -> None:
    assert windowed.tokenizer.model_max_length == 6 * 32
