"""What makes a CPU faster leaves results alone."""

from pathlib import Path
from typing import Any

import pytest
import torch

from hf_newscls.training.cpu import attend_in_float32, keep_freed_memory
from tests.tiny_models import MakeRecipe, load_tiny, prepare_run, save_encoder
from tests.training.test_fitting import fit

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
        attend_in_float32(model)
        assert torch.equal(model(**BATCH).logits, expected)


def test_attention_in_float32_is_closer_than_bfloat16(tiny_encoder: Path) -> None:
    model = load_tiny(tiny_encoder).model.eval()
    with torch.no_grad():
        exact = model.bert(**BATCH).last_hidden_state[0]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            stock = model.bert(**BATCH).last_hidden_state[0]
            attend_in_float32(model)
            ours = model.bert(**BATCH).last_hidden_state[0]
    assert (ours - exact).abs().mean() <= 1.05 * (stock - exact).abs().mean()


def test_trained_model_attends_as_before(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    overrides = ("training_arguments.bf16=true", "training_arguments.max_steps=2")
    run = prepare_run(make_recipe(*overrides), news_rows, tmp_path)
    fit(run)
    assert run.classifier.model.config._attn_implementation == "sdpa"
    run.classifier.model.save_pretrained(tmp_path / "saved")
    assert "float32" not in (tmp_path / "saved" / "config.json").read_text().replace('"dtype": "float32"', "")


def test_kept_memory_can_be_used_again() -> None:
    keep_freed_memory()
    for _ in range(3):
        assert torch.ones(10_000_000).sum() == 10_000_000
