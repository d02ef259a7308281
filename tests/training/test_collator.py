"""Batches are padded to their longest row, or to one of a few lengths."""

from pathlib import Path

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from hf_newscls.recipe.model import ModelSection
from hf_newscls.training.collator import build_collator


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(tiny_encoder, model_max_length=32)


def measure(
    tokenizer: PreTrainedTokenizerBase, tokens: list[int], lengths: list[int] | None, multiple_of: int = 1
) -> tuple[int, int, int]:
    rows = [{"input_ids": [5] * count, "attention_mask": [1] * count, "labels": 1} for count in tokens]
    batch = build_collator(tokenizer, lengths=lengths, multiple_of=multiple_of)(rows)
    assert batch["labels"].tolist() == [1] * len(tokens)
    return (*batch["input_ids"].shape, int(batch["attention_mask"].sum()))


@pytest.mark.parametrize(
    ("tokens", "lengths", "length"),
    [
        ([3, 5], None, 5),
        ([3, 9], None, 9),
        ([3, 5], [16, 32], 16),
        ([3, 16], [16, 32], 16),
        ([3, 17], [16, 32], 32),
        ([3], [32], 32),
    ],
)
def test_length_of_a_batch(
    tokens: list[int], lengths: list[int] | None, length: int, tokenizer: PreTrainedTokenizerBase
) -> None:
    assert measure(tokenizer, tokens, lengths) == (len(tokens), length, sum(tokens))


@pytest.mark.parametrize(("multiple_of", "length"), [(8, 16), (4, 12), (7, 9)])
def test_length_is_rounded_up_where_the_model_has_the_positions(
    multiple_of: int, length: int, tokenizer: PreTrainedTokenizerBase
) -> None:
    assert measure(tokenizer, [3, 9], None, multiple_of) == (2, length, 12)  # 7 does not divide the 32 positions


def test_rows_without_tokens_make_a_batch_of_one_token_each(tokenizer: PreTrainedTokenizerBase) -> None:
    batch = build_collator(tokenizer, lengths=None)([{"row": 7, "labels": 1}, {"row": 3, "labels": 0}])
    assert {name: values.tolist() for name, values in batch.items()} == {
        "input_ids": [[1], [1]],
        "attention_mask": [[1], [1]],
        "row": [7, 3],
        "labels": [1, 0],
    }


@pytest.mark.parametrize("pad_to", [[16, 8, 32], [8, 16], [8, 8, 32]])
def test_lengths_must_ascend_to_the_longest(pad_to: list[int]) -> None:
    with pytest.raises(ValueError, match="pad_to"):
        ModelSection(model_name_or_path="owner/name", max_length=32, pad_to=pad_to)
