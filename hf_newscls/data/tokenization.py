"""Turn texts into the token ids a model reads."""

import logging
from collections.abc import Sequence
from typing import Any

from datasets import DatasetDict
from transformers import PreTrainedTokenizerBase

__all__ = ["count_tokens", "tokenize_splits"]

_BATCH_ROWS = 1000

logger = logging.getLogger(__name__)


def tokenize_splits(splits: DatasetDict, tokenizer: PreTrainedTokenizerBase, *, max_length: int) -> DatasetDict:
    """Tokenize every side, cutting texts off at `max_length` tokens; nothing is padded here.

    Returns:
        Columns input_ids, attention_mask (and what else the tokenizer makes) and labels, rows in their order.
    """

    def tokenize(batch: dict[str, list[Any]]) -> dict[str, Any]:
        return {**tokenizer(batch["text"], truncation=True, max_length=max_length), "labels": batch["label"]}

    return DatasetDict(
        {
            side: dataset.map(
                tokenize,
                batched=True,
                batch_size=_BATCH_ROWS,
                remove_columns=dataset.column_names,
                desc=f"tokenize {side}",
            )
            for side, dataset in splits.items()
        }
    )


def count_tokens(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Return the tokens of each text before truncation, special tokens included."""
    counts: list[int] = []
    for start in range(0, len(texts), _BATCH_ROWS):
        batch = list(texts[start : start + _BATCH_ROWS])
        encoded = tokenizer(
            batch, truncation=False, verbose=False, return_attention_mask=False, return_token_type_ids=False
        )
        counts += map(len, encoded["input_ids"])
    return counts
