"""A temperature divides the logits of every architecture, and of nothing else."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedModel, set_seed

from hf_newscls.errors import ModelError
from hf_newscls.modeling.adapters import add_adapter
from hf_newscls.modeling.output_layer import fold_temperature
from hf_newscls.recipe.model import AdapterSection
from tests.tiny_models import load_tiny, save_encoder

_SIZES = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "albert": {"embedding_size": 8},
    "bert": {},
    "deberta-v2": {"relative_attention": True, "pos_att_type": ["c2p", "p2c"]},
    "distilbert": {"dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 16},
    "electra": {"embedding_size": 8},
    "modernbert": {},
    "mpnet": {},
    "roberta": {},
    "xlm-roberta": {},
}
# Other layers have as many outputs as there are labels, and must not be taken for the last one.
SAME_SIZE = 16
IDS = torch.tensor([[2, 5, 6, 7, 3], [2, 9, 8, 3, 1]])
BATCH = {"input_ids": IDS, "attention_mask": (IDS != 1).long()}


def build(architecture: str, **values: Any) -> PreTrainedModel:
    set_seed(17)
    ids = {"pad_token_id": 1, "bos_token_id": 2, "eos_token_id": 3, "cls_token_id": 2, "sep_token_id": 3}
    sizes = {**_SIZES, **ARCHITECTURES[architecture], "vocab_size": 20, "max_position_embeddings": 12, **ids}
    config = AutoConfig.for_model(architecture, **{**sizes, **values})
    model: PreTrainedModel = AutoModelForSequenceClassification.from_config(config)
    # Biases start at 0, and would hide one that is not divided.
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter)
    return model.eval()


def compute_logits(model: PreTrainedModel) -> Tensor:
    with torch.no_grad():
        logits: Tensor = model(**BATCH).logits
    return logits


@pytest.mark.parametrize("labels", [2, SAME_SIZE])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_logits_of_stock_models_are_divided(architecture: str, labels: int) -> None:
    model = build(architecture, num_labels=labels)
    before = compute_logits(model)
    fold_temperature(model, 2.5, BATCH)
    after = compute_logits(model)
    assert torch.allclose(after, before / 2.5, atol=1e-6)
    assert torch.equal(after.argmax(1), before.argmax(1))


@pytest.mark.parametrize(
    "section", [{"head": "two_layer"}, {"windows": {"count": 2, "length": 8}, "max_length": None}], ids=str
)
@pytest.mark.parametrize("architecture", ["bert", "roberta"])
def test_logits_of_our_models_are_divided(architecture: str, section: dict[str, Any], tmp_path: Path) -> None:
    model = load_tiny(save_encoder(tmp_path, architecture), **section).model.eval()
    before = compute_logits(model)
    fold_temperature(model, 0.4, BATCH)
    assert torch.allclose(compute_logits(model), before / 0.4, atol=1e-6)


@pytest.mark.parametrize("architecture", ["bert", "roberta"])
def test_logits_of_a_model_with_an_adapter_are_divided(architecture: str, tmp_path: Path) -> None:
    classifier = add_adapter(load_tiny(save_encoder(tmp_path, architecture)), AdapterSection(), seed=17)
    model = classifier.model.eval()
    before = compute_logits(model)
    fold_temperature(model, 3.0, BATCH)
    assert torch.allclose(compute_logits(model), before / 3, atol=1e-6)


def test_model_whose_logits_cannot_be_divided_is_refused_and_unchanged() -> None:
    model = build("bert", num_labels=2)
    scale = model.classifier.register_forward_hook(lambda layer, inputs, output: output.tanh())
    state = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(ModelError):
        fold_temperature(model, 2.0, BATCH)
    scale.remove()
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


def test_layer_that_also_does_something_else_is_refused_and_unchanged() -> None:
    model = build("bert", num_labels=SAME_SIZE)
    model.classifier.weight = model.bert.pooler.dense.weight
    state = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(ModelError):
        fold_temperature(model, 2.0, BATCH)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
