"""From a loaded classifier to a windowed one: what is new, what is refused, and what is trained with an adapter."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BartConfig, BartModel

from hf_newscls.errors import RecipeError
from hf_newscls.modeling.adapters import add_adapter, merge_adapter
from hf_newscls.recipe.model import AdapterSection
from tests.modeling.test_loading import STOCK, TWO_LAYER, name_new
from tests.modeling.test_modeling_windowed import LONG, TEXTS, encode, load_windowed
from tests.tiny_models import load_tiny, save_encoder

POOLED = {
    "mean": set(),
    "attention": {"project.weight", "project.bias", "score.weight"},
    "gru": {f"cell.{kind}_{part}" for kind in ("weight", "bias") for part in ("ih", "hh")},
}


@pytest.mark.parametrize("pooling", POOLED)
@pytest.mark.parametrize("head", ["stock", "two_layer"])
@pytest.mark.parametrize("architecture", ["bert", "roberta", "distilbert"])
def test_exactly_head_and_pooling_are_new(architecture: str, head: str, pooling: str, tmp_path: Path) -> None:
    classifier = load_windowed(save_encoder(tmp_path, architecture), head=head, pooling=pooling)
    prefix = "document_head.stock." if head == "stock" else "document_head."
    heads = STOCK[architecture] if head == "stock" else {name.removeprefix("head.") for name in TWO_LAYER}
    expected = {prefix + name for name in heads} | {f"window_pooling.{name}" for name in POOLED[pooling]}
    assert name_new(classifier) == expected


def test_new_head_starts_as_that_of_the_plain_model(tiny_encoder: Path) -> None:
    plain, windowed = load_tiny(tiny_encoder).model, load_windowed(tiny_encoder).model
    assert torch.equal(windowed.document_head.stock.classifier.weight, plain.classifier.weight)


def test_head_that_reads_the_last_token_is_refused(tmp_path: Path) -> None:
    # BART classifies by the end-of-sequence token of its decoder: pooled windows have none.
    folder = save_encoder(tmp_path, "roberta")
    sizes: dict[str, Any] = {"d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "max_position_embeddings": 64}
    sizes |= {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    BartModel(BartConfig(vocab_size=300, encoder_ffn_dim=32, decoder_ffn_dim=32, **sizes)).save_pretrained(folder)
    with pytest.raises(RecipeError, match=r"BartFor.*`model.head: two_layer`"):
        load_windowed(folder)


def test_window_must_not_be_longer_than_the_encoder_reads(tiny_encoder: Path) -> None:
    with pytest.raises(RecipeError, match=r"model.windows.length is 65, .* 64 tokens"):
        load_windowed(tiny_encoder, length=65)
    assert load_windowed(tiny_encoder, length=64).tokenizer.model_max_length == 6 * 64


@pytest.mark.parametrize("head", ["stock", "two_layer"])
@pytest.mark.parametrize("architecture", ["bert", "roberta", "distilbert"])
def test_adapter_is_trained_with_head_and_pooling_and_merges(architecture: str, head: str, tmp_path: Path) -> None:
    windowed = load_windowed(save_encoder(tmp_path, architecture), head=head, pooling="attention")
    new = len(name_new(windowed))
    adapted = add_adapter(windowed, AdapterSection(r=4), seed=17)
    learning = [name for name, one in adapted.model.named_parameters() if one.requires_grad]
    assert len(learning) == new + len(adapted.backbone_parameters)
    assert len(adapted.backbone_parameters) == 2 * 2 * 2  # layers, targets, matrices
    with torch.no_grad():
        for parameter in adapted.model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1)
        encoded = encode(adapted, [LONG, *TEXTS])
        expected = adapted.model.eval()(**encoded).logits
        merged = merge_adapter(adapted.model)
        assert merged(**encoded).logits.numpy() == pytest.approx(expected.numpy(), abs=1e-5)
    assert not [name for name in merged.state_dict() if "lora" in name or "modules_to_save" in name]
