"""How many tokens texts have, and how many of them the tokenizer does not know.

Shape letter: N texts.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MANY = 0.05

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TokenCounts:
    """The tokens of N texts before truncation, in the order of the texts."""

    lengths: NDArray[np.int64]  # (N,), special tokens included
    unknown: NDArray[np.int64]  # (N,), such as [UNK]
    special: int  # special tokens of each text, such as [CLS] and [SEP]

    def take(self, indices: NDArray[np.int64]) -> "TokenCounts":
        """Return the counts of the texts with these indices; an index can occur several times."""
        return TokenCounts(self.lengths[indices], self.unknown[indices], self.special)

    def summarize(self, *, max_length: int) -> "TokenSummary":
        """Summarize the counts of at least one text, for a model that reads `max_length` tokens.

        >>> TokenCounts(np.array([4, 10, 16]), np.array([0, 3, 0]), special=2).summarize(max_length=10)
        TokenSummary(median=10.0, longest=16, fraction_cut_off=0.3333333333333333, max_length=10, texts=3, \
texts_cut_off=1, tokens=30, tokens_cut_off=6, unknown_fraction=0.125)
        """
        is_cut, tokens = self.lengths > max_length, int(self.lengths.sum())
        return TokenSummary(
            median=float(np.median(self.lengths)),
            longest=int(self.lengths.max()),
            fraction_cut_off=float(is_cut.mean()),
            max_length=max_length,
            texts=len(self.lengths),
            texts_cut_off=int(is_cut.sum()),
            tokens=tokens,
            tokens_cut_off=int((self.lengths - max_length)[is_cut].sum()),
            unknown_fraction=int(self.unknown.sum()) / max(tokens - self.special * len(self.lengths), 1),
        )


@dataclass(frozen=True)
class TokenSummary:
    """Lengths of texts in tokens, before truncation and with special tokens, and what the model cannot read.

    The metrics.json of an earlier version has only the first three fields.

    Attributes:
        median: tokens of a text.
        longest: tokens of a text.
        fraction_cut_off: of the texts that are longer than `max_length`.
        max_length: tokens of a text that the model reads.
        texts: number of texts.
        texts_cut_off: number of those that are longer.
        tokens: of all texts.
        tokens_cut_off: number of tokens beyond `max_length`.
        unknown_fraction: of the tokens without special tokens; 0 for a tokenizer that knows all characters.
    """

    median: float
    longest: int
    fraction_cut_off: float
    max_length: int = 0
    texts: int = 0
    texts_cut_off: int = 0
    tokens: int = 0
    tokens_cut_off: int = 0
    unknown_fraction: float = 0.0

    @property
    def has_many_unknown(self) -> bool:
        """Whether more than 5% of the tokens are unknown, so that the encoder hardly fits the texts."""
        return self.unknown_fraction > _MANY

    def describe(self) -> Iterator[str]:
        """Yield what the model does not read: the texts that are cut off, and the unknown tokens."""
        if self.texts_cut_off:
            fraction = self.tokens_cut_off / self.tokens
            yield (
                f"{self.texts_cut_off:,} of {self.texts:,} texts are longer than {self.max_length:,} tokens, "
                f"{fraction:.1%} of all tokens are cut off"
            )
        if self.unknown_fraction >= 0.0005:  # 0.1%, rounded
            yield f"{self.unknown_fraction:.1%} of the tokens are unknown to the tokenizer"

    def warn_of_unknown(self, encoder: str) -> None:
        """Log a warning if the tokenizer of the encoder, given by its address, hardly fits the texts."""
        if self.has_many_unknown:
            logger.warning(
                "%.1f%% of the tokens are unknown to the tokenizer of %s, so the model cannot read them; set "
                "model.model_name_or_path to an encoder for the language of the texts, such as the multilingual "
                "FacebookAI/xlm-roberta-base",
                100 * self.unknown_fraction,
                encoder,
            )
