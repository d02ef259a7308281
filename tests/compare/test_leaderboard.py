"""Only what was measured on one split is ranked together, and the rest is told why not."""

import itertools

import pytest

from hf_newscls.compare.leaderboard import Leaderboard, Refusal, rank_entries
from hf_newscls.evaluation.statistics.bootstrap import Interval
from tests.compare.board_parts import TWO, answer, entry


def names(board: Leaderboard) -> list[list[str]]:
    return [[row.entry.name for row in table.rows] for table in board.tables]


def test_nothing_gives_no_table() -> None:
    assert rank_entries([], metric="accuracy").tables == []


def test_best_accuracy_comes_first() -> None:
    board = rank_entries([entry("low", 0.5), entry("high", 0.9), entry("middle", 0.7)], metric="accuracy")
    assert names(board) == [["high", "middle", "low"]]
    assert [row.rank for row in board.tables[0].rows] == [1, 2, 3]
    assert board.tables[0].caution == ""


def test_lowest_log_loss_comes_first() -> None:
    entries = [entry("worse", 0.9, metric="log_loss"), entry("better", 0.2, metric="log_loss")]
    assert names(rank_entries(entries, metric="log_loss")) == [["better", "worse"]]


def test_equal_scores_share_a_rank_in_the_order_of_names() -> None:
    board = rank_entries([entry("c", 0.7), entry("b", 0.8), entry("a", 0.8)], metric="accuracy")
    assert [(row.rank, row.entry.name) for row in board.tables[0].rows] == [(1, "a"), (1, "b"), (3, "c")]


def test_other_split_of_several_models_is_a_table_with_a_caution() -> None:
    entries = [entry("a", 0.5), entry("b", 0.4), entry("c", 0.6), entry("x", 0.99, split=TWO), entry("y", 1, split=TWO)]
    board = rank_entries(entries, metric="accuracy")
    assert names(board) == [["c", "a", "b"], ["y", "x"]]
    assert board.tables[1].caution == (
        "Not to be compared with the first table: it differs in split (222222222222…, there 111111111111…)."
    )


def test_model_alone_on_another_split_is_refused() -> None:
    entries = [entry("a", 0.5), entry("b", 0.4), entry("x", 0.99, split=TWO, revision="c" * 40)]
    board = rank_entries(entries, metric="accuracy")
    reason = "measured on another split: 222222222222…, the table is on 111111111111…"
    assert board.refusals == [Refusal("x", reason, "c" * 40)]
    assert names(board) == [["a", "b"]]


def test_run_of_this_machine_keeps_a_table_of_its_own() -> None:
    entries = [entry("run/1", 0.5, origin="local run"), entry("run/2", 0.4, split=TWO, origin="local run")]
    board = rank_entries(entries, metric="accuracy")
    assert names(board) == [["run/1"], ["run/2"]]
    assert board.refusals == []


def test_split_at_hand_comes_before_a_larger_one() -> None:
    entries = [entry(name, 0.5, split=TWO) for name in ("a/1", "a/2", "a/3")]
    board = rank_entries([*entries, entry("run/1", 0.4, origin="local run")], metric="accuracy")
    assert names(board) == [["run/1"], ["a/1", "a/2", "a/3"]]


def test_fingerprint_stands_for_the_rows_whatever_the_dataset_is_called() -> None:
    board = rank_entries([entry("a", 0.5, dataset="tiny"), entry("b", 0.6, dataset="ann/news")], metric="accuracy")
    assert names(board) == [["b", "a"]]


def test_other_revisions_go_by_the_dataset_too() -> None:
    split = "default/test at main"
    entries = [
        entry("a", 0.5, split=split),
        entry("b", 0.6, split=split),
        entry("c", 0.7, split=split, dataset="bob/x"),
    ]
    board = rank_entries(entries, metric="accuracy")
    assert names(board) == [["b", "a"]]
    assert board.refusals[0].reason == f"measured on another split: {split} of bob/x, the table is on {split}"


def test_order_of_the_entries_plays_no_part() -> None:
    entries = [entry("a", 0.8), entry("b", 0.8), entry("c", 0.9, split=TWO), entry("d", 0.1, split=TWO)]
    expected = rank_entries(entries, metric="accuracy")
    assert all(rank_entries(found, metric="accuracy") == expected for found in itertools.permutations(entries))


def test_refusals_are_sorted_and_kept() -> None:
    given = [Refusal("z", "second"), Refusal("a", "first")]
    assert rank_entries([entry("b", 0.5)], given, metric="accuracy").refusals == given[::-1]


# Verdicts.


def test_clear_gap_and_chance_are_told_apart() -> None:
    scored = {"best": 20, "good": 19, "bad": 8}
    entries = [entry(name, right / 20, predictions=answer(right)) for name, right in scored.items()]
    table = rank_entries(entries, metric="accuracy").tables[0]
    # best and good differ on 1 row: p = 1; best and bad on 12: 2 / 2^12, times 3; good and bad on 11: 2 / 2^11, times 2
    assert [(pair.first, pair.second, pair.verdict) for pair in table.pairs] == [
        ("best", "good", "tied"),
        ("best", "bad", "ahead"),
        ("good", "bad", "ahead"),
    ]
    assert [pair.adjusted_p_value for pair in table.pairs] == pytest.approx([1.0, 3 * 2 / 2**12, 2 * 2 / 2**11])
    assert [row.verdict for row in table.rows] == [None, "tied", "behind"]
    assert table.rows[2].p_value == pytest.approx(2 * 2 / 2**11)


def test_claims_alone_are_not_tested() -> None:
    entries = [entry("a", 0.9, predictions=answer(18)), entry("b", 0.5)]
    table = rank_entries(entries, metric="accuracy").tables[0]
    assert table.pairs == []
    assert [row.verdict for row in table.rows] == [None, None]


# Predictions of other rows.


def test_predictions_of_other_rows_are_marked_and_the_claim_ranks() -> None:
    other = entry(
        "x",
        0.95,
        claimed=0.6,
        claimed_interval=Interval(0.5, 0.7),
        predictions=answer(19, first=3),
    )
    entries = [entry("a", 0.9, predictions=answer(18)), entry("b", 0.8, predictions=answer(16)), other]
    last = rank_entries(entries, metric="accuracy").tables[0].rows[2].entry
    assert (last.name, last.score, last.interval, last.predictions) == ("x", 0.6, Interval(0.5, 0.7), None)
    assert last.notes == ["its predictions are of other rows than those of a: not checked"]


def test_predictions_of_other_rows_without_a_claim_are_refused() -> None:
    entries = [entry("a", 0.9, predictions=answer(18)), entry("b", 0.8, predictions=answer(16))]
    board = rank_entries([*entries, entry("x", 0.95, predictions=answer(19, rows=19))], metric="accuracy")
    assert board.refusals == [Refusal("x", "its predictions are of other rows than those of a")]


def test_rows_of_this_machine_are_the_standard() -> None:
    entries = [entry(name, 0.9, claimed=0.9, predictions=answer(18, first=5)) for name in ("a/1", "a/2", "a/3")]
    own = entry("run/1", 0.5, origin="local run", predictions=answer(10))
    rows = rank_entries([*entries, own], metric="accuracy").tables[0].rows
    assert [row.entry.name for row in rows if row.entry.predictions is not None] == ["run/1"]


def test_made_up_references_count_as_other_rows() -> None:
    honest, made_up = answer(10), answer(10)
    made_up.references[:] = made_up.probabilities.argmax(axis=1)
    entries = [
        entry("run/1", 0.5, origin="local run", predictions=honest),
        entry("x", 1.0, claimed=1.0, predictions=made_up),
    ]
    assert rank_entries(entries, metric="accuracy").tables[0].rows[0].entry.notes == [
        "its predictions are of other rows than those of run/1: not checked"
    ]
