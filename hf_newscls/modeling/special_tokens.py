"""The special tokens that a tokenizer adds to a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hf_newscls.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["SpecialTokens", "find_special_tokens"]

_PROBE = "news"


@dataclass(frozen=True)
class SpecialTokens:
    """Ids of the tokens before and after a text."""

    prefix: list[int]
    suffix: list[int]


def find_special_tokens(tokenizer: PreTrainedTokenizerBase) -> SpecialTokens:
    """Return the special tokens around a text, such as [CLS] and [SEP].

    Raises:
        ModelError: the tokenizer changes more than the beginning and the end of a text.
    """
    inner: list[int] = tokenizer(_PROBE, add_special_tokens=False)["input_ids"]
    whole: list[int] = tokenizer(_PROBE)["input_ids"]
    for begin in range(len(whole) - len(inner) + 1):
        if inner and whole[begin : begin + len(inner)] == inner:
            return SpecialTokens(whole[:begin], whole[begin + len(inner) :])
    raise ModelError(
        f"{tokenizer.name_or_path}: the tokenizer turns {inner} into {whole}, but may only add special tokens before "
        "and after a text; choose another encoder"
    )
