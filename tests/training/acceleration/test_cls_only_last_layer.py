"""The last layer for the first token alone: the logits and gradients of the whole, with less arithmetic."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForSequenceClassification, BertModel, PreTrainedModel

from hf_newscls.modeling.adapters import add_adapter
from hf_newscls.recipe.model import AdapterSection
from hf_newscls.training.acceleration.cls_only_last_layer import find_last_attention, first_token_alone
from hf_newscls.training.acceleration.cpu_kernels import FLOAT32_ATTENTION, attend_in_float32
from tests.tiny_models import MakeRecipe, load_tiny, prepare_run, save_encoder
from tests.training.test_fit import fit

STOCK = ["bert", "roberta", "xlm-roberta", "electra", "deberta", "deberta-v2", "camembert"]
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "vocab_size": 64}
TEXTS = torch.tensor([[2, 6, 7, 8, 9, 3], [2, 11, 12, 13, 14, 3]])


def build(architecture: str, **sizes: Any) -> PreTrainedModel:
    torch.manual_seed(0)
    config = AutoConfig.for_model(architecture, **{**SIZES, **sizes, "num_labels": 3, "pad_token_id": 0})
    model: PreTrainedModel = AutoModelForSequenceClassification.from_config(config)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):  # zeros else, which hide a bias that was left out
            nn.init.normal_(parameter, std=0.1)
    return model.eval()


def build_variant(name: str, folder: Path) -> nn.Module:
    """Build what a recipe can make of an encoder."""
    encoder = save_encoder(folder / "encoder", "roberta", initializer_range=0.5)
    if name == "windows":
        return load_tiny(encoder, max_length=None, windows={"count": 2, "length": 16, "pooling": "attention"}).model
    if name == "two-layer head":
        return load_tiny(encoder, head="two_layer").model
    if name == "adapter":
        return add_adapter(load_tiny(encoder), AdapterSection(), seed=17).model
    model = load_tiny(encoder).model
    model.activation_checkpointing_enable()
    return model.train()


def learn(model: nn.Module, mask: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    model.zero_grad()
    output = model(input_ids=TEXTS, attention_mask=mask, labels=torch.tensor([0, 1]))
    output.loss.backward()
    return output.logits, {name: one.grad for name, one in model.named_parameters() if one.grad is not None}


def assert_equals_the_whole(model: nn.Module, *, has_padding: bool = False) -> None:
    mask = torch.ones_like(TEXTS)
    mask[1, 4:] = 0 if has_padding else 1
    whole, gradients = learn(model, mask)
    with first_token_alone(model):
        cut, others = learn(model, mask)
    torch.testing.assert_close(cut, whole, rtol=1e-5, atol=1e-6)
    assert {*others} == {*gradients}
    for name, gradient in gradients.items():
        reach = 1e-5 * max(1.0, gradient.abs().max().item())
        torch.testing.assert_close(others[name], gradient, rtol=1e-4, atol=reach)


def read_lengths(model: nn.Module, part: str = "intermediate") -> list[int]:
    """Note the tokens that this part of each layer sees: the feed-forward if none is named."""
    seen: list[int] = []
    for name, module in model.named_modules():
        if name.endswith(part):
            module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[1]))
    return seen


def read_and_fail(model: nn.Module) -> None:
    with first_token_alone(model):
        model(input_ids=TEXTS)
        model(input_ids=TEXTS + SIZES["vocab_size"])


@pytest.mark.parametrize("has_padding", [True, False])
@pytest.mark.parametrize("architecture", STOCK)
def test_logits_and_gradients_are_those_of_the_whole(architecture: str, has_padding: bool) -> None:
    assert_equals_the_whole(build(architecture, initializer_range=0.1), has_padding=has_padding)


@pytest.mark.parametrize("name", ["windows", "two-layer head", "adapter", "checkpointing"])
def test_variants_are_exact_too(name: str, tmp_path: Path) -> None:
    model = build_variant(name, tmp_path)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    assert find_last_attention(model) is not None
    assert_equals_the_whole(model)


@pytest.mark.parametrize("architecture", STOCK)
def test_last_feed_forward_sees_one_token_while_the_context_lasts(architecture: str) -> None:
    model = build(architecture)
    seen = read_lengths(model)
    with pytest.raises(IndexError):
        read_and_fail(model)
    model(input_ids=TEXTS)
    assert seen == [6, 1, 6, 6]


@pytest.mark.parametrize("architecture", ["bert", "roberta", "xlm-roberta", "electra", "camembert"])
def test_last_attention_asks_for_one_token_and_projects_no_other(
    architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = build(architecture)
    whole = model(input_ids=TEXTS).logits
    names = {module: name.rpartition(".")[2] for name, module in model.named_modules()}
    seen: list[tuple[str, int]] = []
    linear = nn.Linear.forward

    def note(module: nn.Linear, states: Tensor) -> Tensor:
        seen.append((names[module], states.shape[1]))
        return linear(module, states)

    monkeypatch.setattr(nn.Linear, "forward", note)
    with first_token_alone(model):
        torch.testing.assert_close(model(input_ids=TEXTS).logits, whole, rtol=1e-5, atol=1e-6)
        expected = [("query", 6), ("key", 6), ("value", 6), ("query", 1)]
        assert [one for one in seen if one[0] in {"query", "key", "value"}] == expected
        model.set_attn_implementation("eager")
        torch.testing.assert_close(model(input_ids=TEXTS).logits, whole, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("part", ["key", "value"])
def test_what_watches_keys_and_values_sees_them(part: str) -> None:
    model = build("bert")
    seen = read_lengths(model, part)
    with first_token_alone(model):
        model(input_ids=TEXTS)
    assert seen == [6, 6]


@pytest.mark.parametrize("part", ["key", "value"])
def test_what_watches_their_gradients_sees_them(part: str) -> None:
    model, seen = build("bert"), list[tuple[int, ...]]()
    for name, module in model.named_modules():
        if name.endswith(part):
            module.register_full_backward_hook(lambda _, __, gradients: seen.append((*gradients[0].shape,)))
    with first_token_alone(model):
        learn(model, torch.ones_like(TEXTS))
    assert seen == [(2, 6, 32), (2, 6, 32)]


def test_text_without_a_token_is_no_nan() -> None:
    model, mask = build("bert"), torch.ones_like(TEXTS)
    mask[1] = 0
    with first_token_alone(model):
        logits, gradients = learn(model, mask)
    assert logits.isfinite().all()
    assert all(one.isfinite().all() for one in gradients.values())


def test_decoder_runs_whole() -> None:
    assert find_last_attention(build("bert", is_decoder=True)) is None


def test_weights_are_dropped_as_those_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"num_hidden_layers": 1, "attention_probs_dropout_prob": 0.5, "hidden_dropout_prob": 0.0}
    model = build("bert", initializer_range=0.1, **sizes).train()
    kept = torch.tensor([2.0, 0.0, 2.0, 0.0, 0.0, 2.0])
    monkeypatch.setattr(nn.functional, "dropout", lambda values, p, *_, **__: values * kept if p == 0.5 else values)
    model.set_attn_implementation("eager")
    whole, gradients = learn(model, torch.ones_like(TEXTS))
    model.set_attn_implementation("sdpa")
    with first_token_alone(model):
        cut, others = learn(model, torch.ones_like(TEXTS))
    torch.testing.assert_close(cut, whole, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(others, gradients, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("architecture", ["distilbert", "albert", "mpnet", "modernbert", "big_bird", "ibert"])
def test_other_encoders_run_whole(architecture: str) -> None:
    sizes = {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64} if architecture == "distilbert" else {}
    assert find_last_attention(build(architecture, **sizes)) is None


class Reader(nn.Module):
    """A classifier of somebody's own, whose head reads all tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = build("bert").base_model
        self.head = nn.Linear(32, 2)

    def forward(self, input_ids: Tensor) -> Tensor:
        logits: Tensor = self.head(self.encoder(input_ids).last_hidden_state.mean(1))
        return logits


def test_replica_computes_with_its_own_weights() -> None:
    model = build("bert")
    with first_token_alone(model):
        attention = model.base_model.encoder.layer[-1].attention.get_submodule("self")
        replica = attention._replicate_for_data_parallel()
        replica.query = nn.Linear(32, 32)
        states = torch.randn(2, 6, 32)
        shared, own = (module(states, attention_mask=None)[0] for module in (attention, replica))
    assert shared.shape == (2, 1, 32)
    assert not torch.allclose(shared, own)


@pytest.mark.parametrize("implementation", ["sdpa", FLOAT32_ATTENTION])
@pytest.mark.parametrize("has_padding", [True, False])
def test_attention_with_keys_is_exact_too(implementation: str, has_padding: bool) -> None:
    model = build("roberta", initializer_range=0.1)
    read_lengths(model, "key")
    with attend_in_float32(model) if implementation == FLOAT32_ATTENTION else nullcontext():
        assert model.config._attn_implementation == implementation
        assert_equals_the_whole(model, has_padding=has_padding)


def test_autocast_rounds_less_than_with_keys() -> None:
    model, states = build("roberta", initializer_range=0.3), torch.randn(2, 6, 32)
    attention = model.base_model.encoder.layer[-1].attention.get_submodule("self")

    def attend(*, is_rounded: bool) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=is_rounded):
            output: Tensor = attention(states, attention_mask=None)[0][:, :1].float()
        return output

    exact, whole = attend(is_rounded=False), attend(is_rounded=True)
    with first_token_alone(model):
        cut = attend(is_rounded=True)
    assert 0 < (cut - exact).norm() < 0.5 * (whole - exact).norm()


def test_head_that_is_not_known_gets_all_tokens() -> None:
    model = Reader().eval()
    assert isinstance(model.encoder, BertModel)
    whole = model(TEXTS)
    with first_token_alone(model):
        assert torch.equal(model(TEXTS), whole)


def test_trained_model_runs_whole(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    run = prepare_run(make_recipe("training_arguments.max_steps=2"), news_rows, tmp_path)
    seen = read_lengths(run.classifier.model)
    fit(run)
    assert {*seen[1::2]} == {1}
    seen.clear()
    run.classifier.model(input_ids=TEXTS)
    assert seen == [6, 6]
