"""The last layer for the first token alone: the logits and gradients of the whole, with less arithmetic."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    PreTrainedModel,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.modeling_outputs import SequenceClassifierOutput

from hf_newscls.training.first_token import FirstTokenCallback, find_last_output
from tests.tiny_models import MakeRecipe, prepare_run

BUILT_AS_BERT = ["bert", "roberta", "xlm-roberta", "electra", "deberta", "deberta-v2", "camembert"]
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "vocab_size": 64}
TEXTS = torch.tensor([[5, 6, 7, 8, 9, 10], [5, 11, 12, 13, 14, 15]])


def build(architecture: str) -> PreTrainedModel:
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_config(AutoConfig.for_model(architecture, **SIZES, num_labels=3))
    return model.eval()


def begin(model: nn.Module, folder: Path) -> FirstTokenCallback:
    callback = FirstTokenCallback()
    callback.on_train_begin(build_arguments(folder), TrainerState(), TrainerControl(), model=model)
    return callback


def build_arguments(folder: Path) -> TrainingArguments:
    return TrainingArguments(output_dir=str(folder), use_cpu=True)


def learn(model: nn.Module) -> tuple[Tensor, dict[str, Tensor]]:
    model.zero_grad()
    output = model(input_ids=TEXTS, labels=torch.tensor([0, 2]))
    output.loss.backward()
    return output.logits, {name: one.grad for name, one in model.named_parameters() if one.grad is not None}


@pytest.mark.parametrize("architecture", BUILT_AS_BERT)
def test_logits_and_gradients_are_those_of_the_whole(architecture: str, tmp_path: Path) -> None:
    model = build(architecture)
    whole, gradients = learn(model)
    begin(model, tmp_path)
    cut, others = learn(model)
    torch.testing.assert_close(cut, whole, rtol=1e-5, atol=1e-6)
    assert {*others} == {*gradients}
    for name, gradient in gradients.items():
        torch.testing.assert_close(others[name], gradient, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("architecture", BUILT_AS_BERT)
def test_last_feed_forward_sees_one_token_until_training_ends(architecture: str, tmp_path: Path) -> None:
    model = build(architecture)
    seen: list[int] = []
    layers = [module for name, module in model.named_modules() if name.endswith("intermediate")]
    for layer in layers:
        layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[1]))
    callback = begin(model, tmp_path)
    seen.clear()
    model(input_ids=TEXTS)
    assert seen == [6, 1]
    callback.on_train_end(build_arguments(tmp_path), TrainerState(), TrainerControl(), model=model)
    model(input_ids=TEXTS)
    assert seen[2:] == [6, 6]


@pytest.mark.parametrize("architecture", ["distilbert", "albert", "mpnet", "modernbert"])
def test_other_encoders_are_left_as_they_are(architecture: str) -> None:
    sizes = {"dim": 32, "n_layers": 2, "n_heads": 2} if architecture == "distilbert" else SIZES
    config = AutoConfig.for_model(architecture, **{**sizes, "vocab_size": 64, "pad_token_id": 0})
    assert find_last_output(AutoModelForSequenceClassification.from_config(config)) is None


POOLINGS: dict[str, Callable[[Tensor, int], Tensor]] = {
    "mean": lambda hidden, length: hidden.mean(1),
    "last": lambda hidden, length: hidden[:, length - 1],
    "all": lambda hidden, length: hidden.reshape(len(hidden), length, -1).amax(1),
}


class Reader(nn.Module):
    """A classifier whose head reads all tokens."""

    def __init__(self, pooling: str) -> None:
        super().__init__()
        self.encoder = build("bert").base_model
        self.pool = POOLINGS[pooling]
        self.head = nn.Linear(32, 2)

    def forward(self, input_ids: Tensor) -> SequenceClassifierOutput:
        hidden = self.encoder(input_ids).last_hidden_state
        return SequenceClassifierOutput(logits=self.head(self.pool(hidden, input_ids.shape[1])))


@pytest.mark.parametrize("pooling", POOLINGS)
def test_head_that_reads_all_tokens_gets_them(pooling: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Reader(pooling).eval()
    whole = model(TEXTS).logits
    begin(model, tmp_path)
    assert torch.equal(model(TEXTS).logits, whole)


def test_trained_model_runs_whole(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    run = prepare_run(make_recipe(), news_rows, tmp_path)
    model = run.classifier.model
    output = find_last_output(model)
    assert output is not None
    lengths: set[int] = set()
    output.register_forward_hook(lambda *values: lengths.add(values[2].shape[1]))
    run.build_trainer().train()
    assert lengths == {5, 1}  # a text of five tokens is read whole once, for comparison
    lengths.clear()
    model(input_ids=TEXTS)
    assert lengths == {6}
