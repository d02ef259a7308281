"""Rank what can be compared: runs measured on one and the same split."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Entry", "Leaderboard", "rank_entries"]


@dataclass(frozen=True)
class Entry:
    """One measured model.

    Attributes:
        name: what to call it.
        fingerprint: of the split it was measured on.
        accuracy: on the test set, fraction.
        f1_macro: on the test set, fraction.
        interval: 95% interval of accuracy.
    """

    name: str
    fingerprint: str
    accuracy: float
    f1_macro: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Leaderboard:
    """Models measured on one split, best accuracy first."""

    fingerprint: str
    entries: Sequence[Entry]


def rank_entries(entries: Iterable[Entry]) -> list[Leaderboard]:
    """Return one leaderboard for each split; scores of different splits are never put in one list.

    The split with the most models comes first.
    """
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[entry.fingerprint].append(entry)
    boards = [
        Leaderboard(fingerprint, sorted(group, key=lambda entry: (-entry.accuracy, entry.name)))
        for fingerprint, group in groups.items()
    ]
    return sorted(boards, key=lambda board: (-len(board.entries), board.fingerprint))
