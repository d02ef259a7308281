"""Assign rows to the parts of a split: each label in the wanted fractions, and no group in two parts.

Shape letters: N rows, L labels, P parts.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray


def hash_rows(texts: Sequence[str], *, seed: int) -> NDArray[np.bytes_]:
    """Return the keys that rank the rows of a split: SHA-256 of seed and content, shape (N,).

    Unlike a random generator, they are the same in every version and on every machine.
    """
    return np.array([hashlib.sha256(f"{seed}\n{text}".encode()).digest() for text in texts], dtype="S32")


def _allot_rows(rows: int, fractions: Sequence[float]) -> list[int]:
    """Divide a label's rows among the parts by largest remainder, at least one row each; the first part wins a tie.

    >>> _allot_rows(19, [0.7, 0.1, 0.2])  # 13.3, 1.9 and 3.8
    [13, 2, 4]
    """
    exact = [rows * fraction for fraction in fractions]
    sizes = [max(1, math.floor(part)) for part in exact]
    parts = range(len(fractions))
    while sum(sizes) < rows:
        sizes[max(parts, key=lambda part: exact[part] - sizes[part])] += 1
    least = 1 if rows >= len(fractions) else 0
    while sum(sizes) > rows:
        sizes[max((part for part in parts if sizes[part] > least), key=lambda part: sizes[part] - exact[part])] -= 1
    return sizes


def assign_groups(
    labels: NDArray[np.int64], groups: NDArray[np.int64], keys: NDArray[np.bytes_], fractions: Sequence[float]
) -> NDArray[np.int64]:
    """Return the part of each row, shape (N,).

    Groups of several rows come first, the largest ones before the others. Each goes to a random part, with
    probabilities proportional to the rows still missing there, or, if it fits into none, to the part that misses most.
    Then single rows, ranked by key, fill the parts from the last to the first. So the rows of a label in a part differ
    from its fraction by less than the largest group, and by less than one row if there are enough single rows. If a
    label has few groups, each part gets one of them first.

    Labels, groups (any numbers, equal within a group) and keys (from `hash_rows`) have shape (N,); the P fractions sum
    to 1.
    """
    table = _Table(labels, groups, fractions)
    parts = np.full(len(labels), -1, dtype=np.int64)
    for members, key in _rank_groups(groups, keys):
        parts[members] = table.choose(Counter(labels[members].tolist()), chance=_read_chance(key))
    for label in range(len(table.missing)):
        rows = np.flatnonzero((labels == label) & (parts < 0))
        sizes = table.divide_rest(label, rows=len(rows))
        # Stable: rows with the same key keep the file's order.
        parts[rows[np.argsort(keys[rows], kind="stable")]] = np.repeat(range(len(sizes))[::-1], sizes[::-1])
    return parts


def _rank_groups(groups: NDArray[np.int64], keys: NDArray[np.bytes_]) -> Iterator[tuple[NDArray[np.int64], bytes]]:
    """Yield the rows and the smallest key of each group of several rows, the largest group first, then by key."""
    order = np.argsort(groups, kind="stable")
    several = [rows for rows in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1) if len(rows) > 1]
    keyed = [(rows, min(keys[rows].tolist())) for rows in several]
    yield from sorted(keyed, key=lambda group: (-len(group[0]), group[1]))


def _read_chance(key: bytes) -> float:
    """Return a pseudo-random number in [0, 1): the last bytes of a key; its first ones rank the rows."""
    return int.from_bytes(key.ljust(32, b"\0")[-6:], "big") / 2**48


class _Table:
    """How many rows of each label are still missing in each part.

    Attributes:
        missing: shape (L, P); negative if a large group gave a part too many rows.
    """

    def __init__(self, labels: NDArray[np.int64], groups: NDArray[np.int64], fractions: Sequence[float]) -> None:
        sizes = np.bincount(labels).tolist()
        self.missing = [_allot_rows(size, fractions) if size else [0] * len(fractions) for size in sizes]
        self._are_empty = [[True] * len(fractions) for _ in sizes]
        pairs = np.unique(np.stack([labels, groups]), axis=1)
        self._groups_left = np.bincount(pairs[0], minlength=len(sizes)).tolist()

    def choose(self, counts: Mapping[int, int], *, chance: float) -> int:
        """Choose the part of a group with these rows by label, and record it."""
        parts = self._find_needy(counts)
        fitting = [part for part in parts if all(self.missing[label][part] >= rows for label, rows in counts.items())]
        if fitting:
            weights = np.cumsum([sum(self.missing[label][part] for label in counts) for part in fitting])
            chosen = fitting[int(np.searchsorted(weights, chance * weights[-1], side="right"))]
        else:
            chosen = max(parts, key=lambda part: min(self.missing[label][part] - counts[label] for label in counts))
        for label, rows in counts.items():
            self.missing[label][chosen] -= rows
            self._are_empty[label][chosen] = False
            self._groups_left[label] -= 1
        return chosen

    def divide_rest(self, label: int, *, rows: int) -> list[int]:
        """Divide a label's single rows among the parts; fewer than are missing if a large group took too many."""
        sizes = [max(0, missing) for missing in self.missing[label]]
        least = [int(is_empty and size > 0) for is_empty, size in zip(self._are_empty[label], sizes, strict=True)]
        while sum(sizes) > rows:
            # A part without the label keeps one row of it if there are enough.
            able = [part for part, size in enumerate(sizes) if size > least[part]] or [sizes.index(max(sizes))]
            sizes[max(able, key=lambda part: sizes[part])] -= 1
        return sizes

    def _find_needy(self, counts: Mapping[int, int]) -> list[int]:
        """Return the parts that need this group to get every label; all parts if none does."""
        needy = [*range(len(self.missing[0]))]
        for label in counts:
            empty = [part for part, is_empty in enumerate(self._are_empty[label]) if is_empty]
            if empty and self._groups_left[label] <= len(empty):
                needy = [part for part in needy if part in empty] or needy
        return needy
