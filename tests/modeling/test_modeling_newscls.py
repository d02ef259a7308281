"""`NewsClassifier`: what it computes, and that it comes back from its folder unchanged."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import AutoModelForSequenceClassification, BertConfig

from hf_newscls.modeling.configuration_newscls import NewsClassifierConfig
from hf_newscls.modeling.modeling_newscls import NewsClassifier
from tests.tiny_models import enable_checkpointing, load_tiny, save_encoder

TEXTS = ["bank shares", "goal coach league new report", "planet"]


@pytest.fixture
def classifier(tiny_encoder: Path) -> Any:
    """A two-layer classifier in eval mode, with its tokenizer."""
    classifier = load_tiny(tiny_encoder, head="two_layer")
    classifier.model.eval()
    return classifier


def encode(classifier: Any, texts: list[str] = TEXTS, **options: Any) -> Any:
    return classifier.tokenizer(texts, **{"padding": True, "return_tensors": "pt", **options})


def to_array(tensor: torch.Tensor) -> NDArray[np.float64]:
    return tensor.detach().double().numpy()


@torch.no_grad()
def test_logits_are_the_heads_own_arithmetic_on_the_first_token(classifier: Any) -> None:
    encoded = encode(classifier)
    features = to_array(classifier.model.backbone(**encoded).last_hidden_state[:, 0])
    _, first, norm, _, _, second = classifier.model.head.layers
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(second.bias)
    hidden = features @ to_array(first.weight).T + to_array(first.bias)
    centred = hidden - hidden.mean(axis=1, keepdims=True)
    scaled = centred / np.sqrt(hidden.var(axis=1, keepdims=True) + 1e-5)
    squashed = np.tanh(scaled * to_array(norm.weight) + to_array(norm.bias))
    expected = squashed @ to_array(second.weight).T + to_array(second.bias)
    logits = to_array(classifier.model(**encoded).logits)
    assert logits.shape == (3, 3)
    assert logits == pytest.approx(expected, abs=1e-5)


def test_head_is_64_wide_whatever_the_encoder(classifier: Any) -> None:
    shapes = {name: tuple(value.shape) for name, value in classifier.model.head.named_parameters()}
    assert shapes == {
        "layers.1.weight": (64, 32),
        "layers.1.bias": (64,),
        "layers.2.weight": (64,),
        "layers.2.bias": (64,),
        "layers.5.weight": (3, 64),
        "layers.5.bias": (3,),
    }


@torch.no_grad()
def test_loss_is_the_mean_cross_entropy(classifier: Any) -> None:
    encoded, labels = encode(classifier), torch.tensor([0, 2, 1])
    assert classifier.model(**encoded).loss is None
    output = classifier.model(**encoded, labels=labels)
    logits = to_array(output.logits)
    log_shares = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    assert output.loss.item() == pytest.approx(-np.mean(log_shares[[0, 1, 2], [0, 2, 1]]), abs=1e-6)


@torch.no_grad()
@pytest.mark.parametrize("architecture", ["bert", "roberta", "distilbert"])
def test_padding_moves_no_logit(architecture: str, tmp_path: Path) -> None:
    loaded = load_tiny(save_encoder(tmp_path / "encoder", architecture), head="two_layer")
    loaded.model.eval()
    padded = loaded.model(**encode(loaded, padding="max_length", max_length=32)).logits
    single = torch.cat([loaded.model(**encode(loaded, [text])).logits for text in TEXTS])
    assert padded.numpy() == pytest.approx(single.numpy(), abs=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("architecture", ["bert", "roberta", "distilbert"])
def test_saved_model_comes_back_unchanged(architecture: str, tmp_path: Path) -> None:
    loaded = load_tiny(save_encoder(tmp_path / "encoder", architecture), head="two_layer")
    loaded.model.eval().save_pretrained(tmp_path / "saved")
    encoded = encode(loaded)
    expected = loaded.model(**encoded).logits
    for reader in (NewsClassifier, AutoModelForSequenceClassification):
        again = reader.from_pretrained(tmp_path / "saved")
        assert (again(**encoded).logits - expected).abs().max().item() == 0.0
        assert again.state_dict().keys() == loaded.model.state_dict().keys()


def test_saved_folder_carries_its_code(classifier: Any, tmp_path: Path) -> None:
    classifier.model.save_pretrained(tmp_path)
    assert {"configuration_newscls.py", "heads.py", "modeling_newscls.py"} <= {path.name for path in tmp_path.iterdir()}
    assert json.loads((tmp_path / "config.json").read_text())["auto_map"] == {
        "AutoConfig": "configuration_newscls.NewsClassifierConfig",
        "AutoModelForSequenceClassification": "modeling_newscls.NewsClassifier",
    }


def test_saved_folder_names_no_path_of_this_machine(classifier: Any, tiny_encoder: Path, tmp_path: Path) -> None:
    classifier.model.save_pretrained(tmp_path)
    classifier.tokenizer.save_pretrained(tmp_path)
    assert not [path.name for path in tmp_path.iterdir() if str(tiny_encoder).encode() in path.read_bytes()]


def test_config_round_trips(tmp_path: Path) -> None:
    encoder = BertConfig(hidden_size=48, num_hidden_layers=1, hidden_dropout_prob=0.3)
    config = NewsClassifierConfig(backbone_config=encoder, head_dropout=0.25, id2label={0: "A", 1: "B", 2: "C"})
    config.save_pretrained(tmp_path)
    again = NewsClassifierConfig.from_pretrained(tmp_path)
    assert isinstance(again.backbone_config, BertConfig)
    assert (again.backbone_config.hidden_size, again.backbone_config.hidden_dropout_prob) == (48, 0.3)
    assert (again.head_dropout, again.id2label) == (0.25, {0: "A", 1: "B", 2: "C"})
    assert again.to_dict() == config.to_dict()


def test_config_prints_without_an_encoder() -> None:
    # transformers builds every config without arguments to find what differs from the defaults.
    assert json.loads(NewsClassifierConfig().to_json_string())["model_type"] == "newscls"


def test_activation_checkpointing_gives_the_same_gradients(classifier: Any) -> None:
    def compute_gradients() -> dict[str, torch.Tensor]:
        classifier.model.zero_grad()
        classifier.model(**encode(classifier), labels=torch.tensor([0, 1, 2])).loss.backward()
        return {name: parameter.grad.clone() for name, parameter in classifier.model.named_parameters()}

    plain = compute_gradients()
    enable_checkpointing(classifier.model)
    layers = [one for one in classifier.model.modules() if hasattr(one, "gradient_checkpointing")]
    assert any(one.gradient_checkpointing for one in layers)
    # Checkpointing is active in training only; without dropout the mode changes nothing else.
    classifier.model.train()
    for module in classifier.model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    checkpointed = compute_gradients()
    assert checkpointed.keys() == plain.keys()
    for name, gradient in plain.items():
        torch.testing.assert_close(checkpointed[name], gradient, atol=1e-6, rtol=1e-4)


def test_dropout_is_in_the_head_during_training_only(classifier: Any) -> None:
    encoded = encode(classifier)
    first, second = (classifier.model(**encoded).logits for _ in range(2))
    assert torch.equal(first, second)
    classifier.model.head.train()
    first, second = (classifier.model(**encoded).logits for _ in range(2))
    assert not torch.equal(first, second)
