"""Turn texts into the token ids that a model reads."""

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from datasets import DatasetDict
from transformers import PreTrainedTokenizerBase

from hf_newscls.errors import ModelError
from hf_newscls.modeling.token_counts import TokenCounts
from hf_newscls.modeling.windows import count_head_tokens
from hf_newscls.progress import report_progress

_BATCH_ROWS = 1000
_TOKENS, _UNKNOWN = "tokens", "unknown"
_PROBE = "news"

logger = logging.getLogger(__name__)


class EncodedTexts(NamedTuple):
    """The token ids of texts, not padded."""

    rows: dict[str, list[list[int]]]  # input_ids, attention_mask and additional outputs of the tokenizer
    counts: TokenCounts


def tokenize_splits(
    splits: DatasetDict, tokenizer: PreTrainedTokenizerBase, *, max_length: int, truncation: str = "head"
) -> DatasetDict:
    """Tokenize the texts of all splits as `encode_texts` does; log what the model does not read.

    The columns are those of `encode_texts` and labels, in the order of the rows.
    """

    def tokenize(batch: dict[str, list[Any]], indices: list[int], split: str, rows: int) -> dict[str, Any]:
        """Return the tokens and labels of a batch, and the counts of each text before truncation."""
        encoded = encode_texts(batch["text"], tokenizer, max_length=max_length, truncation=truncation)
        report_progress(f"tokenizing {split}", indices[-1] + 1, rows)
        counts = {_TOKENS: encoded.counts.lengths, _UNKNOWN: encoded.counts.unknown}
        return {**encoded.rows, "labels": batch["label"], **counts}

    tokenized = DatasetDict()
    for split, dataset in splits.items():
        rows = dataset.map(
            tokenize,
            with_indices=True,
            fn_kwargs={"split": split, "rows": len(dataset)},
            batched=True,
            batch_size=_BATCH_ROWS,
            remove_columns=dataset.column_names,
        )
        counts = _build_counts(rows[_TOKENS][:], rows[_UNKNOWN][:], tokenizer)
        log_summary(split, counts, max_length=max_length)
        tokenized[split] = rows.remove_columns([_TOKENS, _UNKNOWN])
    return tokenized


def log_summary(name: str, counts: TokenCounts, *, max_length: int) -> None:
    """Log what a model that reads `max_length` tokens does not read of some texts."""
    if counts.lengths.size:
        for line in counts.summarize(max_length=max_length).describe():
            logger.info("%s: %s", name, line)


def encode_texts(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, *, max_length: int, truncation: str = "head"
) -> EncodedTexts:
    """Return the token ids of each text, in the order of the texts.

    Args:
        max_length: maximum number of tokens of a text, special tokens included.
        truncation: which tokens are kept of a longer text: head, tail or head_tail. Special tokens are always kept.
    """
    whole = _tokenize(texts, tokenizer)
    ids = whole["input_ids"]
    counts = _build_counts([*map(len, ids)], _count_unknown(ids, tokenizer), tokenizer)
    return EncodedTexts(_truncate(whole, tokenizer, max_length=max_length, truncation=truncation), counts)


def count_tokens(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> TokenCounts:
    """Count the tokens of each text before truncation, special tokens included, and the unknown ones among them."""
    lengths: list[int] = []
    unknown: list[int] = []
    for start in range(0, len(texts), _BATCH_ROWS):
        rows = _tokenize(texts[start : start + _BATCH_ROWS], tokenizer)["input_ids"]
        lengths += map(len, rows)
        unknown += _count_unknown(rows, tokenizer)
        report_progress("counting tokens", len(lengths), len(texts), unit="texts")
    return _build_counts(lengths, unknown, tokenizer)


def find_special_tokens(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """Return the ids of the special tokens before and after a text, such as [CLS] and [SEP].

    Raises:
        ModelError: the tokenizer changes more than the beginning and the end of a text.
    """
    inner: list[int] = tokenizer(_PROBE, add_special_tokens=False)["input_ids"]
    whole: list[int] = tokenizer(_PROBE)["input_ids"]
    for begin in range(len(whole) - len(inner) + 1):
        if inner and whole[begin : begin + len(inner)] == inner:
            return whole[:begin], whole[begin + len(inner) :]
    raise ModelError(
        f"{tokenizer.name_or_path}: the tokenizer turns {inner} into {whole}, but may only add special tokens before "
        "and after a text; choose another encoder"
    )


def _tokenize(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> dict[str, list[list[int]]]:
    return {**tokenizer([*texts], truncation=False, verbose=False)}


def _truncate(
    whole: dict[str, list[list[int]]], tokenizer: PreTrainedTokenizerBase, *, max_length: int, truncation: str
) -> dict[str, list[list[int]]]:
    prefix, suffix = find_special_tokens(tokenizer)
    head = len(prefix) + count_head_tokens(max_length - len(prefix) - len(suffix), truncation)
    tail = max_length - head
    return {
        name: [row if len(row) <= max_length else [*row[:head], *row[len(row) - tail :]] for row in rows]
        for name, rows in whole.items()
    }


def _count_unknown(rows: list[list[int]], tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Count the unknown tokens of texts that were tokenized without truncation; special tokens do not count."""
    if tokenizer.unk_token_id is None:
        return [0] * len(rows)
    prefix, suffix = find_special_tokens(tokenizer)
    return [row[len(prefix) : len(row) - len(suffix)].count(tokenizer.unk_token_id) for row in rows]


def _build_counts(lengths: Sequence[int], unknown: Sequence[int], tokenizer: PreTrainedTokenizerBase) -> TokenCounts:
    special = sum(map(len, find_special_tokens(tokenizer)))
    return TokenCounts(np.array(lengths, dtype=np.int64), np.array(unknown, dtype=np.int64), special)
