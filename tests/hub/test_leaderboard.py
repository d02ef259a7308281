"""Only what was measured on one split is ranked together."""

import itertools

from hf_newscls.hub.leaderboard import Entry, Leaderboard, rank_entries


def entry(name: str, fingerprint: str, accuracy: float) -> Entry:
    return Entry(name, fingerprint, accuracy, f1_macro=accuracy / 2, interval=(accuracy - 0.1, accuracy + 0.1))


def names(boards: list[Leaderboard]) -> list[list[str]]:
    return [[entry.name for entry in board.entries] for board in boards]


def test_nothing_gives_no_leaderboard() -> None:
    assert rank_entries([]) == []


def test_best_accuracy_comes_first() -> None:
    (board,) = rank_entries([entry("low", "f", 0.5), entry("high", "f", 0.9), entry("middle", "f", 0.7)])
    assert [found.name for found in board.entries] == ["high", "middle", "low"]
    assert board.fingerprint == "f"


def test_other_splits_get_a_leaderboard_of_their_own() -> None:
    boards = rank_entries([entry("a", "one", 0.5), entry("b", "two", 0.99), entry("c", "one", 0.6)])
    assert [board.fingerprint for board in boards] == ["one", "two"]
    assert names(boards) == [["c", "a"], ["b"]]


def test_split_with_most_models_comes_first_then_by_fingerprint() -> None:
    entries = [entry("a", "z", 0.9), entry("b", "y", 0.8), entry("c", "x", 0.1), entry("d", "x", 0.2)]
    assert [board.fingerprint for board in rank_entries(entries)] == ["x", "y", "z"]


def test_ties_are_ordered_by_name() -> None:
    entries = [entry("tiny/b", "f", 0.8), entry("tiny/a", "f", 0.8), entry("other/c", "f", 0.8)]
    assert names(rank_entries(entries)) == [["other/c", "tiny/a", "tiny/b"]]


def test_order_of_the_entries_plays_no_part() -> None:
    entries = [entry("a", "f", 0.8), entry("b", "f", 0.8), entry("c", "g", 0.9), entry("d", "g", 0.1)]
    expected = rank_entries(entries)
    assert all(rank_entries(shuffled) == expected for shuffled in itertools.permutations(entries))


def test_entries_are_kept_as_they_are() -> None:
    given = entry("a", "f", 0.8)
    assert rank_entries(iter([given]))[0].entries == [given]
