"""Make batches of rows: padded to their longest row, or to one of a few lengths."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DataCollatorWithPadding, PreTrainedTokenizerBase

__all__ = ["build_collator"]

Collator = Callable[[list[dict[str, Any]]], dict[str, Tensor]]


def build_collator(
    tokenizer: PreTrainedTokenizerBase, *, lengths: Sequence[int] | None, multiple_of: int = 1
) -> Collator:
    """Return what makes a batch of tokenized rows, or of rows that have no tokens: then with one for each.

    Args:
        tokenizer: pads, and cuts rows off at its `model_max_length`.
        lengths: the lengths in tokens that batches may have, ascending; each is compiled once where shapes are
            compiled. None pads to the longest row.
        multiple_of: what the longest row's length is rounded up to.
    """
    if lengths is not None:
        return _Collator(_BucketCollator(tokenizer, lengths))
    # Not beyond the positions that the encoder has.
    multiple = multiple_of if tokenizer.model_max_length % multiple_of == 0 else None
    return _Collator(DataCollatorWithPadding(tokenizer, pad_to_multiple_of=multiple))


class _Collator:
    """Makes batches of rows with tokens, and of rows without, whose features are known."""

    def __init__(self, pad: Collator) -> None:
        self._pad = pad

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        if "input_ids" in rows[0]:
            return self._pad(rows)
        batch = {name: torch.tensor([row[name] for row in rows]) for name in rows[0]}
        token = torch.ones(len(rows), 1, dtype=torch.long)  # stands for the text; models count its rows
        return {"input_ids": token, "attention_mask": token, **batch}


class _BucketCollator:
    """Pads a batch to the smallest of its lengths that holds the longest row."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, lengths: Sequence[int]) -> None:
        self._tokenizer = tokenizer
        self._lengths = lengths

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        longest = max(len(row["input_ids"]) for row in rows)
        length = next(length for length in self._lengths if length >= longest)
        return dict(self._tokenizer.pad(rows, padding="max_length", max_length=length, return_tensors="pt"))
