"""Make batches of rows: padded to their longest row, or to one of a few lengths."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor
from transformers import DataCollatorWithPadding, PreTrainedTokenizerBase

__all__ = ["PAD_TO_MULTIPLE_OF", "build_collator"]

PAD_TO_MULTIPLE_OF = 8
"""Tensor cores and vector units work in tiles of eight."""

Collator = Callable[[list[dict[str, Any]]], dict[str, Tensor]]


def build_collator(tokenizer: PreTrainedTokenizerBase, *, lengths: Sequence[int] | None) -> Collator:
    """Return what makes a batch of tokenized rows.

    Args:
        tokenizer: pads, and cuts rows off at its `model_max_length`.
        lengths: the lengths in tokens that batches may have, ascending; each is compiled once where shapes are
            compiled. None pads to the longest row, rounded up to a multiple of 8.
    """
    if lengths is not None:
        return _BucketCollator(tokenizer, lengths)
    # Not beyond the positions that the encoder has.
    multiple = PAD_TO_MULTIPLE_OF if tokenizer.model_max_length % PAD_TO_MULTIPLE_OF == 0 else None
    dynamic: Collator = DataCollatorWithPadding(tokenizer, pad_to_multiple_of=multiple)
    return dynamic


class _BucketCollator:
    """Pads a batch to the smallest of its lengths that holds the longest row."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, lengths: Sequence[int]) -> None:
        self._tokenizer = tokenizer
        self._lengths = lengths

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        longest = max(len(row["input_ids"]) for row in rows)
        length = next(length for length in self._lengths if length >= longest)
        return dict(self._tokenizer.pad(rows, padding="max_length", max_length=length, return_tensors="pt"))
