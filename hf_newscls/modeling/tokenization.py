"""Turn texts into the token ids a model reads."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from datasets import DatasetDict
from transformers import PreTrainedTokenizerBase

from hf_newscls.modeling.special_tokens import find_special_tokens

__all__ = ["count_tokens", "encode_texts", "tokenize_splits"]

_BATCH_ROWS = 1000
# Of what is kept by head_tail, the part that comes from the beginning: as modeling/windows.py has it.
_HEAD_FRACTION = 4
_TOKENS = "tokens"

logger = logging.getLogger(__name__)


def tokenize_splits(
    splits: DatasetDict, tokenizer: PreTrainedTokenizerBase, *, max_length: int, truncation: str = "head"
) -> DatasetDict:
    """Tokenize every side, cutting texts off at `max_length` tokens; nothing is padded here.

    What is cut off is logged: rows, and their share of all tokens.

    Args:
        splits: the rows, with text and label.
        tokenizer: of the model.
        max_length: tokens that are kept, special tokens included.
        truncation: what is kept of a longer text, as `encode_texts` takes it.

    Returns:
        Columns input_ids, attention_mask (and what else the tokenizer makes) and labels, rows in their order.
    """

    def tokenize(batch: dict[str, list[Any]]) -> dict[str, Any]:
        """Return the tokens of a batch, its labels, and how many tokens each text has uncut."""
        whole = _encode(batch["text"], tokenizer)
        kept = _cut(whole, tokenizer, max_length=max_length, truncation=truncation)
        return {**kept, "labels": batch["label"], _TOKENS: [*map(len, whole["input_ids"])]}

    tokenized = DatasetDict()
    for split, dataset in splits.items():
        rows = dataset.map(
            tokenize,
            batched=True,
            batch_size=_BATCH_ROWS,
            remove_columns=dataset.column_names,
            desc=f"tokenize {split}",
        )
        _log_cut(split, rows[_TOKENS][:], max_length=max_length)
        tokenized[split] = rows.remove_columns(_TOKENS)
    return tokenized


def encode_texts(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, *, max_length: int, truncation: str = "head"
) -> dict[str, list[list[int]]]:
    """Return input_ids, attention_mask and what else the tokenizer makes, a list for each text; nothing is padded.

    What is cut off is logged.

    Args:
        texts: in any number.
        tokenizer: of the model.
        max_length: tokens that are kept, special tokens included.
        truncation: what is kept of a longer text: its head, its tail, or head_tail, a quarter from its head and the
            rest from its tail, near the 128 and 382 of Sun et al. 2019, arXiv 1905.05583. Special tokens are kept.
    """
    whole = _encode(texts, tokenizer)
    _log_cut("to predict", [*map(len, whole["input_ids"])], max_length=max_length)
    return _cut(whole, tokenizer, max_length=max_length, truncation=truncation)


def _encode(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> dict[str, list[list[int]]]:
    return {**tokenizer([*texts], truncation=False, verbose=False)}


def _cut(
    whole: dict[str, list[list[int]]], tokenizer: PreTrainedTokenizerBase, *, max_length: int, truncation: str
) -> dict[str, list[list[int]]]:
    special = find_special_tokens(tokenizer)
    before, after = len(special.prefix), len(special.suffix)
    kept = max_length - before - after
    head = before + {"head": kept, "tail": 0, "head_tail": kept // _HEAD_FRACTION}[truncation]
    tail = max_length - head
    return {
        name: [row if len(row) <= max_length else [*row[:head], *row[len(row) - tail :]] for row in rows]
        for name, rows in whole.items()
    }


def _log_cut(split: str, counts: Sequence[int], *, max_length: int) -> None:
    tokens = np.asarray(counts, dtype=np.int64)
    cut = np.maximum(tokens - max_length, 0)
    if cut.any():
        logger.info(
            "%s: %s of %s texts are longer than %s tokens, %.1f%% of all tokens are cut off",
            split,
            f"{np.count_nonzero(cut):,}",
            f"{len(tokens):,}",
            f"{max_length:,}",
            100 * cut.sum() / tokens.sum(),
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
