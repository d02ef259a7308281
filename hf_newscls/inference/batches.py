"""Cut tokenized texts into batches of similar length, with a limit on the tokens."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class DistinctTexts(NamedTuple):
    """Texts without repetitions."""

    texts: list[str]  # in the order in which they first occur
    indices: NDArray[np.int64]  # of the text in each row


def find_distinct(texts: Sequence[str]) -> DistinctTexts:
    """Return each different text once, and which of them each row has.

    >>> distinct = find_distinct(["rain", "storm", "rain"])
    >>> distinct.texts, distinct.indices.tolist()
    (['rain', 'storm'], [0, 1, 0])
    """
    numbers: dict[str, int] = {}
    indices = [numbers.setdefault(text, len(numbers)) for text in texts]
    return DistinctTexts([*numbers], np.asarray(indices, dtype=np.int64))


def cut_batches(lengths: Sequence[int], *, max_tokens: int, multiple: int = 1) -> Iterator[NDArray[np.int64]]:
    """Yield the indices of texts in batches, longest texts first.

    A batch has at most `max_tokens` tokens after padding to its longest text, but at least one text. Equal lengths keep
    the order of the texts, so the batches depend on the lengths only.

    Args:
        lengths: number of tokens of each text.
        max_tokens: of a batch, with padding.
        multiple: texts are padded to a multiple of this length.

    >>> [batch.tolist() for batch in cut_batches([2, 9, 3, 2, 1], max_tokens=6)]
    [[1], [2, 0], [3, 4]]
    """
    order = np.argsort(-np.asarray(lengths), kind="stable")
    start = 0
    while start < len(order):
        width = -(-lengths[order[start]] // multiple) * multiple
        stop = start + max(1, max_tokens // max(1, width))
        yield order[start:stop]
        start = stop
