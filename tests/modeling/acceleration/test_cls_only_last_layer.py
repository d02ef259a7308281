"""The last layer runs only for the first token where the head reads no other: same logits, same gradients."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedModel

from hf_newscls.modeling.acceleration.cls_only_last_layer import cls_only_last_layer
from hf_newscls.modeling.acceleration.float32_attention import attend_in_float32
from hf_newscls.modeling.adapters import add_adapter
from hf_newscls.recipe.model import AdapterSection
from tests.tiny_models import MakeRecipe, enable_checkpointing, load_tiny, prepare_run, save_encoder
from tests.training.test_fit import fit

STOCK = ["bert", "roberta", "xlm-roberta", "electra", "deberta", "deberta-v2", "camembert", "mpnet"]
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "vocab_size": 64}
TEXTS = torch.tensor([[2, 6, 7, 8, 9, 3], [2, 11, 12, 13, 14, 3]])


def build(architecture: str, **sizes: Any) -> PreTrainedModel:
    torch.manual_seed(0)
    config = AutoConfig.for_model(architecture, **{**SIZES, **sizes, "num_labels": 3, "pad_token_id": 0})
    model: PreTrainedModel = AutoModelForSequenceClassification.from_config(config)
    return model.eval()


def build_variant(name: str, folder: Path) -> Any:
    """Build a kind of model that a recipe can ask for, without dropout."""
    encoder = save_encoder(folder / "encoder", "roberta", initializer_range=0.5)
    if name == "windows":
        model = load_tiny(encoder, max_length=None, windows={"count": 2, "length": 16, "pooling": "attention"}).model
    elif name == "two-layer head":
        model = load_tiny(encoder, head="two_layer").model
    elif name == "adapter":
        model = add_adapter(load_tiny(encoder), AdapterSection(), seed=17).model
    else:
        model = load_tiny(encoder).model
        enable_checkpointing(model)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return model.train()


def learn(model: nn.Module, mask: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    model.zero_grad()
    output = model(input_ids=TEXTS, attention_mask=mask, labels=torch.tensor([0, 1]))
    output.loss.backward()
    return output.logits, {name: one.grad for name, one in model.named_parameters() if one.grad is not None}


def note_tokens(model: nn.Module, seen: list[int]) -> list[int]:
    """Note in a list the tokens that the feed-forward part of each layer reads."""
    for name, module in model.named_modules():
        if name.endswith("intermediate"):
            module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[1]))
    return seen


def assert_same_as_whole(model: Any, *, has_padding: bool = False) -> None:
    mask = torch.ones_like(TEXTS)
    mask[1, 4:] = 0 if has_padding else 1
    whole, gradients = learn(model, mask)
    with cls_only_last_layer(model):
        seen = note_tokens(model, [])
        cut, others = learn(model, mask)
    assert 1 in seen
    torch.testing.assert_close(cut, whole, rtol=1e-5, atol=1e-6)
    assert {*others} == {*gradients}
    for name, gradient in gradients.items():
        reach = 1e-5 * max(1.0, gradient.abs().max().item())
        torch.testing.assert_close(others[name], gradient, rtol=1e-4, atol=reach)


@pytest.mark.parametrize("has_padding", [True, False])
@pytest.mark.parametrize("architecture", STOCK)
def test_logits_and_gradients_are_those_of_the_whole_layer(architecture: str, has_padding: bool) -> None:
    assert_same_as_whole(build(architecture, initializer_range=0.1), has_padding=has_padding)


@pytest.mark.parametrize("name", ["windows", "two-layer head", "adapter", "checkpointing"])
def test_other_models_have_the_same_logits_and_gradients(name: str, tmp_path: Path) -> None:
    assert_same_as_whole(build_variant(name, tmp_path))


def test_attention_in_float32_goes_with_it() -> None:
    model = build("roberta", initializer_range=0.1)
    with attend_in_float32(model):
        assert_same_as_whole(model, has_padding=True)


def read_and_fail(model: PreTrainedModel, seen: list[int]) -> None:
    with cls_only_last_layer(model):
        note_tokens(model, seen)
        model(input_ids=TEXTS)
        model(input_ids=TEXTS + SIZES["vocab_size"])


@pytest.mark.parametrize("architecture", STOCK)
def test_last_layer_reads_all_tokens_again_after_an_error(architecture: str) -> None:
    model = build(architecture)
    seen: list[int] = []
    with pytest.raises(IndexError):
        read_and_fail(model, seen)
    model(input_ids=TEXTS)
    assert seen == [6, 1, 6, 6]


class Reader(nn.Module):
    """A head that reads all tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.classifier = nn.Linear(32, 3)

    def forward(self, features: Tensor) -> Tensor:
        logits: Tensor = self.classifier(features.mean(1))
        return logits


def build_reader() -> PreTrainedModel:
    model = build("roberta", initializer_range=0.1)
    model.classifier = Reader()
    return model


def build_zero_head() -> PreTrainedModel:
    model = build_reader()
    nn.init.zeros_(model.classifier.classifier.weight)
    return model


@pytest.mark.parametrize("make", [build_reader, build_zero_head], ids=["mean of all tokens", "the same, still zeros"])
def test_head_that_reads_all_tokens_gets_all(make: Any) -> None:
    model = make()
    with cls_only_last_layer(model):
        seen = note_tokens(model, [])
        model(input_ids=TEXTS)
    assert seen == [6, 6]


@pytest.mark.parametrize("architecture", ["distilbert", "albert", "modernbert", "ibert"])
def test_encoder_with_other_layers_stays_whole(architecture: str) -> None:
    sizes = {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64} if architecture == "distilbert" else {}
    model = build(architecture, **sizes)
    with torch.no_grad():
        whole = model(input_ids=TEXTS).logits
        with cls_only_last_layer(model):
            assert torch.equal(model(input_ids=TEXTS).logits, whole)


def test_mask_may_be_passed_by_position(monkeypatch: pytest.MonkeyPatch) -> None:
    # As in the modeling_bert.py that older models on the Hub bring.
    model = build("bert", initializer_range=0.1)
    attention = model.base_model.encoder.layer[-1].attention
    within, output = attention.self, attention.output

    def forward(hidden_states: Tensor, attention_mask: Tensor | None = None, *_: Any, **__: Any) -> Any:
        return output(within(hidden_states, attention_mask)[0], hidden_states), None

    monkeypatch.setattr(attention, "forward", forward)
    assert_same_as_whole(model, has_padding=True)


def test_trained_model_runs_whole(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    run = prepare_run(make_recipe("training_arguments.max_steps=2"), news_rows, tmp_path)
    seen = note_tokens(run.classifier.model, [])
    fit(run)
    assert 1 in seen
    seen.clear()
    run.classifier.model(input_ids=TEXTS)
    assert seen == [6, 6]
