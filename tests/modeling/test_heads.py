"""Which vector of an encoder a head reads, with values worked by hand."""

from pathlib import Path

import pytest
import torch
from transformers.modeling_outputs import BaseModelOutputWithPooling

from hf_newscls.modeling.heads import TokenPooling, find_token_pooling, pool_tokens
from tests.tiny_models import load_tiny, save_encoder, save_modernbert

# Two texts of three tokens and one token.
HIDDEN = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [8.0, 0.0]], [[5.0, 6.0], [100.0, 100.0], [100.0, 100.0]]])
MASK = torch.tensor([[1, 1, 1], [1, 0, 0]])
POOLED = torch.tensor([[0.5, 0.5], [0.25, 0.25]])
WINDOWS = {"count": 2, "length": 16}


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [("pooler", POOLED.tolist()), ("first", [[1.0, 2.0], [5.0, 6.0]]), ("mean", [[4.0, 2.0], [5.0, 6.0]])],
)
def test_tokens_become_one_vector(pooling: TokenPooling, expected: list[list[float]]) -> None:
    output = BaseModelOutputWithPooling(last_hidden_state=HIDDEN, pooler_output=POOLED)
    assert pool_tokens(output, MASK, pooling).tolist() == expected


def test_mean_without_padding_needs_no_mask() -> None:
    output = BaseModelOutputWithPooling(last_hidden_state=HIDDEN[:1])
    assert pool_tokens(output, None, "mean").tolist() == [[4.0, 2.0]]


@pytest.mark.parametrize("windows", [None, WINDOWS], ids=["plain", "windows"])
@pytest.mark.parametrize(
    ("architecture", "head", "expected"),
    [
        ("bert", "stock", "pooler"),
        ("bert", "two_layer", "first"),
        ("roberta", "stock", "first"),
        ("distilbert", "stock", "first"),
        ("modernbert, cls", "stock", "first"),
        ("modernbert, mean", "stock", "mean"),
        ("modernbert, mean", "two_layer", "first"),
    ],
)
def test_pooling_of_a_classifier(
    architecture: str, head: str, expected: str, windows: dict[str, int] | None, tmp_path: Path
) -> None:
    name, _, pooling = architecture.partition(", ")
    folder = save_modernbert(tmp_path, pooling) if pooling else save_encoder(tmp_path, name)
    model = load_tiny(folder, head=head, windows=windows, max_length=None if windows else 32).model
    assert find_token_pooling(model) == expected
