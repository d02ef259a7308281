"""Pad the rows of a batch: to the longest row, or to one of a few fixed lengths."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DataCollatorWithPadding, PreTrainedTokenizerBase

Collator = Callable[[list[dict[str, Any]]], dict[str, Tensor]]
"""Makes a batch of tokenized rows."""


@dataclass(frozen=True)
class _Collator:
    """A class, because worker processes of a data loader receive it pickled."""

    tokenizer: PreTrainedTokenizerBase
    lengths: Sequence[int] | None
    pad: DataCollatorWithPadding

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        if "input_ids" not in rows[0]:
            batch = {name: torch.tensor([row[name] for row in rows]) for name in rows[0]}
            token = torch.ones(len(rows), 1, dtype=torch.long)  # models take the number of rows from it
            return {"input_ids": token, "attention_mask": token, **batch}
        if self.lengths is None:
            return dict(self.pad(rows))
        longest = max(len(row["input_ids"]) for row in rows)
        length = next(length for length in self.lengths if length >= longest)
        return dict(self.tokenizer.pad(rows, padding="max_length", max_length=length, return_tensors="pt"))


def build_collator(
    tokenizer: PreTrainedTokenizerBase, *, lengths: Sequence[int] | None, multiple_of: int = 1
) -> Collator:
    """Return a function that makes a batch; rows without tokens, as of cached features, get one token each.

    Args:
        tokenizer: its `model_max_length` is the longest length of a row.
        lengths: the lengths that batches can have, ascending; None: that of the longest row.
        multiple_of: round the length of the longest row up to a multiple of this.
    """
    # Rounding up must not exceed the positions of the encoder.
    multiple = multiple_of if tokenizer.model_max_length % multiple_of == 0 else None
    return _Collator(tokenizer, lengths, DataCollatorWithPadding(tokenizer, pad_to_multiple_of=multiple))
