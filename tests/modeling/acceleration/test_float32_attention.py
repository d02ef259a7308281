"""Attention in float32 computes what torch computes, and ends with its context."""

from pathlib import Path

import pytest
import torch

from hf_newscls.modeling.acceleration.float32_attention import attend_in_float32
from tests.tiny_models import load_tiny, save_encoder

BATCH = {
    "input_ids": torch.tensor([[2, 7, 8, 9, 3], [2, 5, 3, 0, 0]]),
    "attention_mask": torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]),
}


@pytest.mark.parametrize("head", ["stock", "two_layer"])
@pytest.mark.parametrize("architecture", ["bert", "roberta", "distilbert"])
def test_attention_in_float32_is_that_of_torch(architecture: str, head: str, tmp_path: Path) -> None:
    model = load_tiny(save_encoder(tmp_path / "encoder", architecture), head=head).model.eval()
    with torch.no_grad():
        expected = model(**BATCH).logits
        with attend_in_float32(model):
            assert model.config._attn_implementation == "sdpa_float32"
            assert torch.equal(model(**BATCH).logits, expected)
    assert model.config._attn_implementation == "sdpa"


def test_attention_in_float32_is_closer_than_bfloat16(tiny_encoder: Path) -> None:
    model = load_tiny(tiny_encoder).model.eval()
    with torch.no_grad():
        exact = model.bert(**BATCH).last_hidden_state[0]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            stock = model.bert(**BATCH).last_hidden_state[0]
            with attend_in_float32(model):
                ours = model.bert(**BATCH).last_hidden_state[0]
    assert not torch.equal(ours, stock)
    assert (ours - exact).abs().mean() <= 1.05 * (stock - exact).abs().mean()
