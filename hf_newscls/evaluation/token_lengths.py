"""How long the texts are in tokens, and how many of them the model truncates."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TokenLengths:
    """Lengths of all texts of a run in tokens, before truncation and with special tokens.

    Attributes:
        median: of the lengths.
        longest: length of the longest text.
        fraction_cut_off: fraction of the texts that are longer than the model's maximum.
    """

    median: float
    longest: int
    fraction_cut_off: float


def summarize_lengths(counts: Sequence[int], *, max_length: int) -> TokenLengths:
    """Summarize the token counts of at least one text.

    >>> summarize_lengths([3, 5, 20, 4], max_length=8)
    TokenLengths(median=4.5, longest=20, fraction_cut_off=0.25)
    """
    lengths = np.asarray(counts)
    return TokenLengths(float(np.median(lengths)), int(lengths.max()), float((lengths > max_length).mean()))
