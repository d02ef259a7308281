"""Share groups of rows out among the parts of a split, each label in its fractions and no group in two parts.

Shape letters: N rows, L labels, P parts.
"""

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["allot_rows", "assign_groups", "hash_rows"]


def hash_rows(texts: Sequence[str], *, seed: int) -> NDArray[np.bytes_]:
    """Return what ranks the rows of a split: a SHA-256 of seed and content, shape (N,).

    No random generator is involved whose stream another version or machine could change.
    """
    return np.array([hashlib.sha256(f"{seed}\n{text}".encode()).digest() for text in texts], dtype="S32")


def allot_rows(rows: int, fractions: Sequence[float]) -> list[int]:
    """Divide a label's rows among the parts by largest remainder, one row each at least; on a tie the first wins.

    >>> allot_rows(19, [0.7, 0.1, 0.2])  # 13.3, 1.9 and 3.8
    [13, 2, 4]
    """
    exact = [rows * fraction for fraction in fractions]
    sizes = [max(1, math.floor(part)) for part in exact]
    parts = range(len(fractions))
    while sum(sizes) < rows:
        sizes[max(parts, key=lambda part: exact[part] - sizes[part])] += 1
    least = 1 if rows >= len(fractions) else 0
    while sum(sizes) > rows:
        # A part with a single row keeps it.
        sizes[max((part for part in parts if sizes[part] > least), key=lambda part: sizes[part] - exact[part])] -= 1
    return sizes


def assign_groups(
    labels: NDArray[np.int64], groups: NDArray[np.int64], keys: NDArray[np.bytes_], fractions: Sequence[float]
) -> NDArray[np.int64]:
    """Return the part of each row, shape (N,).

    First the groups of several rows, large ones first, fall on the parts by chance, in proportion to the rows still
    missing there; one that fits nowhere goes where most are missing. Then single rows, ranked by key, fill the parts
    from the last to the first. So a label's rows in a part differ from its fraction by less than the largest group,
    and by less than one row where there are single rows enough. A label with hardly more groups than there are parts
    first gets one in each.

    Args:
        labels: of the rows, shape (N,).
        groups: of the rows, shape (N,); any numbers, equal within a group.
        keys: of the rows, as `hash_rows` gives them.
        fractions: of the parts, P fractions that sum to 1.
    """
    table = _Table(labels, groups, fractions)
    parts = np.full(len(labels), -1, dtype=np.int64)
    for members in _list_groups(groups, keys):
        part = table.choose(
            [int(label) for label in labels[members]], chance=_read_chance(_find_smallest(keys, members))
        )
        parts[members] = part
    for label in range(len(table.missing)):
        rows = np.flatnonzero((labels == label) & (parts < 0))
        ranked = rows[np.lexsort((rows, keys[rows]))]
        start = 0
        for part, size in reversed([*enumerate(table.divide_rest(label, rows=len(ranked)))]):
            parts[ranked[start : start + size]] = part
            start += size
    return parts


def _list_groups(groups: NDArray[np.int64], keys: NDArray[np.bytes_]) -> list[NDArray[np.int64]]:
    """List the rows of each group of several, largest first, then by key."""
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order])) + 1
    several = [members for members in np.split(order, starts) if len(members) > 1]
    return sorted(several, key=lambda members: (-len(members), _find_smallest(keys, members)))


def _find_smallest(keys: NDArray[np.bytes_], members: NDArray[np.int64]) -> bytes:
    smallest: bytes = min(keys[members].tolist())
    return smallest


def _read_chance(key: bytes) -> float:
    """Return a number in [0, 1) that is as good as random: the last bytes of a key, whose first ones rank the rows."""
    return int.from_bytes(key.ljust(32, b"\0")[-6:], "big") / 2**48


class _Table:
    """How many rows of each label are still missing in each part.

    Attributes:
        missing: shape (L, P); negative where a large group gave a part too many.
    """

    def __init__(self, labels: NDArray[np.int64], groups: NDArray[np.int64], fractions: Sequence[float]) -> None:
        sizes = np.bincount(labels)
        self.missing = [allot_rows(int(size), fractions) if size else [0] * len(fractions) for size in sizes]
        self._are_empty = [[True] * len(fractions) for _ in sizes]
        pairs = np.unique(np.stack([labels, groups]), axis=1)
        self._waiting = np.bincount(pairs[0], minlength=len(sizes)).tolist()

    def choose(self, labels: Sequence[int], *, chance: float) -> int:
        """Choose the part of a group whose rows have these labels, and take it down."""
        counts = {label: labels.count(label) for label in dict.fromkeys(labels)}
        parts = self._find_needy(counts)
        fitting = [part for part in parts if all(self.missing[label][part] >= rows for label, rows in counts.items())]
        if fitting:
            weights = np.cumsum([sum(self.missing[label][part] for label in counts) for part in fitting])
            chosen = fitting[int(np.searchsorted(weights, chance * weights[-1], side="right"))]
        else:
            chosen = max(
                parts, key=lambda part: min(self.missing[label][part] - rows for label, rows in counts.items())
            )
        for label, rows in counts.items():
            self.missing[label][chosen] -= rows
            self._are_empty[label][chosen] = False
            self._waiting[label] -= 1
        return chosen

    def divide_rest(self, label: int, *, rows: int) -> list[int]:
        """Divide a label's single rows, as many as are missing or, where a large group took too many, fewer."""
        sizes = [max(0, missing) for missing in self.missing[label]]
        least = [int(is_empty and size > 0) for is_empty, size in zip(self._are_empty[label], sizes, strict=True)]
        while sum(sizes) > rows:
            # A part without the label keeps one row of it, as long as there are so many.
            able = [part for part, size in enumerate(sizes) if size > least[part]] or [sizes.index(max(sizes))]
            sizes[max(able, key=lambda part: sizes[part])] -= 1
        return sizes

    def _find_needy(self, counts: dict[int, int]) -> list[int]:
        """Return the parts that must have a group now, lest one stays without a label of it; all where none must."""
        needy = [*range(len(self.missing[0]))]
        for label in counts:
            empty = [part for part, is_empty in enumerate(self._are_empty[label]) if is_empty]
            if empty and self._waiting[label] <= len(empty):
                needy = [part for part in needy if part in empty] or needy
        return needy
