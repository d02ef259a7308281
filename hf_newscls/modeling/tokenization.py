"""Turn texts into the token ids that a model reads."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from datasets import DatasetDict
from transformers import PreTrainedTokenizerBase

from hf_newscls.modeling.special_tokens import find_special_tokens
from hf_newscls.modeling.windows import count_head_tokens

__all__ = ["count_tokens", "encode_texts", "tokenize_splits"]

_BATCH_ROWS = 1000
_TOKENS = "tokens"

logger = logging.getLogger(__name__)


def tokenize_splits(
    splits: DatasetDict, tokenizer: PreTrainedTokenizerBase, *, max_length: int, truncation: str = "head"
) -> DatasetDict:
    """Tokenize all splits, truncated to `max_length` tokens and not padded; log how much is cut off.

    Args:
        splits: the rows, with text and label.
        tokenizer: of the model.
        max_length: maximum number of tokens of a text, special tokens included.
        truncation: which tokens are kept of a longer text: head, tail or head_tail.

    Returns:
        Columns input_ids, attention_mask (and additional ones of the tokenizer) and labels, in the order of the rows.
    """

    def tokenize(batch: dict[str, list[Any]]) -> dict[str, Any]:
        """Return the tokens and labels of a batch, and the length of each text before truncation."""
        whole = _tokenize(batch["text"], tokenizer)
        kept = _truncate(whole, tokenizer, max_length=max_length, truncation=truncation)
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
        _log_truncation(split, rows[_TOKENS][:], max_length=max_length)
        tokenized[split] = rows.remove_columns(_TOKENS)
    return tokenized


def encode_texts(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, *, max_length: int, truncation: str = "head"
) -> dict[str, list[list[int]]]:
    """Return input_ids, attention_mask and additional outputs of the tokenizer, one list per text, not padded.

    How much is cut off is logged.

    Args:
        texts: any number of texts.
        tokenizer: of the model.
        max_length: maximum number of tokens of a text, special tokens included.
        truncation: which tokens are kept of a longer text: head, tail or head_tail. Special tokens are always kept.
    """
    whole = _tokenize(texts, tokenizer)
    _log_truncation("to predict", [*map(len, whole["input_ids"])], max_length=max_length)
    return _truncate(whole, tokenizer, max_length=max_length, truncation=truncation)


def count_tokens(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Return the number of tokens of each text before truncation, special tokens included."""
    batches = (texts[start : start + _BATCH_ROWS] for start in range(0, len(texts), _BATCH_ROWS))
    return [len(ids) for batch in batches for ids in _tokenize(batch, tokenizer)["input_ids"]]


def _tokenize(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> dict[str, list[list[int]]]:
    return {**tokenizer([*texts], truncation=False, verbose=False)}


def _truncate(
    whole: dict[str, list[list[int]]], tokenizer: PreTrainedTokenizerBase, *, max_length: int, truncation: str
) -> dict[str, list[list[int]]]:
    special = find_special_tokens(tokenizer)
    kept = max_length - len(special.prefix) - len(special.suffix)
    head = len(special.prefix) + count_head_tokens(kept, truncation)
    tail = max_length - head
    return {
        name: [row if len(row) <= max_length else [*row[:head], *row[len(row) - tail :]] for row in rows]
        for name, rows in whole.items()
    }


def _log_truncation(split: str, counts: Sequence[int], *, max_length: int) -> None:
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
