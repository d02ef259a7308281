"""Turn texts into the token ids that a model reads."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from datasets import DatasetDict
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from hf_newscls.errors import ModelError
from hf_newscls.modeling.windows import count_head_tokens

_BATCH_ROWS = 1000
_TOKENS = "tokens"
_PROBE = "news"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Truncation:
    """How much of the texts the model cuts off."""

    max_length: int  # tokens of a text that the model reads, special tokens included
    texts: int  # that are longer
    text_fraction: float
    tokens: int  # of all texts
    cut_tokens: int  # beyond `max_length`
    cut_fraction: float


class EncodedTexts(NamedTuple):
    """The token ids of texts, not padded."""

    rows: dict[str, list[list[int]]]  # input_ids, attention_mask and additional outputs of the tokenizer
    token_counts: list[int]  # of each text before truncation, special tokens included


def tokenize_splits(
    splits: DatasetDict, tokenizer: PreTrainedTokenizerBase, *, max_length: int, truncation: str = "head"
) -> DatasetDict:
    """Tokenize the texts of all splits as `encode_texts` does; log how much is cut off.

    The columns are those of `encode_texts` and labels, in the order of the rows.
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
        log_truncation(split, rows[_TOKENS][:], max_length=max_length)
        tokenized[split] = rows.remove_columns(_TOKENS)
    return tokenized


def encode_texts(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, *, max_length: int, truncation: str = "head"
) -> EncodedTexts:
    """Return the token ids of each text, in the order of the texts.

    Args:
        max_length: maximum number of tokens of a text, special tokens included.
        truncation: which tokens are kept of a longer text: head, tail or head_tail. Special tokens are always kept.
    """
    whole = _tokenize(texts, tokenizer)
    rows = _truncate(whole, tokenizer, max_length=max_length, truncation=truncation)
    return EncodedTexts(rows, [*map(len, whole["input_ids"])])


def count_tokens(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Return the number of tokens of each text before truncation, special tokens included."""
    batches = (texts[start : start + _BATCH_ROWS] for start in range(0, len(texts), _BATCH_ROWS))
    return [len(ids) for batch in batches for ids in _tokenize(batch, tokenizer)["input_ids"]]


def describe_truncation(token_counts: Sequence[int] | NDArray[np.int64], *, max_length: int) -> Truncation:
    """Return how much is cut off from texts with these token counts; at least one text.

    >>> describe_truncation([4, 10, 16], max_length=10)
    Truncation(max_length=10, texts=1, text_fraction=0.3333333333333333, tokens=30, cut_tokens=6, cut_fraction=0.2)
    """
    counts = np.asarray(token_counts, dtype=np.int64)
    is_cut, tokens = counts > max_length, int(counts.sum())
    cut = int((counts - max_length)[is_cut].sum())
    return Truncation(max_length, int(is_cut.sum()), float(is_cut.mean()), tokens, cut, cut / tokens)


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


def log_truncation(split: str, counts: Sequence[int], *, max_length: int) -> None:
    """Log how many texts are longer than `max_length` tokens, and how much of them is cut off."""
    if max(counts, default=0) > max_length:
        truncation = describe_truncation(counts, max_length=max_length)
        logger.info(
            "%s: %s of %s texts are longer than %s tokens, %.1f%% of all tokens are cut off",
            split,
            f"{truncation.texts:,}",
            f"{len(counts):,}",
            f"{max_length:,}",
            100 * truncation.cut_fraction,
        )
