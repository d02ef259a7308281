"""How long the texts are, and how many the model reads in part."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

__all__ = ["TokenLengths", "summarize_lengths"]


@dataclass(frozen=True)
class TokenLengths:
    """Lengths of all texts of a run, in tokens before truncation, special tokens included.

    Attributes:
        median: half the texts are no longer.
        longest: of the longest text.
        fraction_cut_off: fraction of the texts that are longer than the model reads.
    """

    median: float
    longest: int
    fraction_cut_off: float

    def to_dict(self) -> dict[str, Any]:
        """Return the lengths as plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TokenLengths":
        """Return the lengths that `to_dict` made the values of."""
        return cls(**values)


def summarize_lengths(counts: Sequence[int], *, max_length: int) -> TokenLengths:
    """Summarize the tokens of each text, of which there is at least one.

    >>> summarize_lengths([3, 5, 20, 4], max_length=8)
    TokenLengths(median=4.5, longest=20, fraction_cut_off=0.25)
    """
    lengths = np.asarray(counts)
    return TokenLengths(
        median=float(np.median(lengths)),
        longest=int(lengths.max()),
        fraction_cut_off=float((lengths > max_length).mean()),
    )
