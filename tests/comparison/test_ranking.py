"""Only models measured on the same split are ranked together; the others are listed with the reason."""

import itertools
from collections.abc import Callable

import pytest

from hf_newscls.comparison.leaderboard import Entry, Leaderboard, Unranked
from hf_newscls.comparison.ranking import merge_copies, rank_entries
from hf_newscls.evaluation.statistics.bootstrap import Interval
from hf_newscls.recipe.recipe import Recipe
from tests.comparison.board_parts import TWO, answer, entry, verified


def names(board: Leaderboard) -> list[list[str]]:
    return [[row.name for row in table.rows] for table in board.tables]


def unverified_names(board: Leaderboard) -> list[list[str]]:
    return [[row.name for row in table.unverified] for table in board.tables]


def test_nothing_gives_no_table() -> None:
    assert rank_entries([], metric="accuracy").tables == []


def test_best_accuracy_comes_first() -> None:
    board = rank_entries([verified("low", 0.5), verified("high", 0.9), verified("middle", 0.7)], metric="accuracy")
    assert names(board) == [["high", "middle", "low"]]
    assert [row.rank for row in board.tables[0].rows] == [1, 2, 3]
    assert board.tables[0].caution == ""


def test_lowest_log_loss_comes_first() -> None:
    entries = [verified("worse", 0.9, metric="log_loss"), verified("better", 0.2, metric="log_loss")]
    assert names(rank_entries(entries, metric="log_loss")) == [["better", "worse"]]


def test_equal_scores_have_the_same_rank_in_the_order_of_names() -> None:
    board = rank_entries([verified("c", 0.7), verified("b", 0.8), verified("a", 0.8)], metric="accuracy")
    assert [(row.rank, row.name) for row in board.tables[0].rows] == [(1, "a"), (1, "b"), (3, "c")]


def test_another_split_with_several_models_is_a_table_with_a_caution() -> None:
    entries = [
        verified("a", 0.5),
        verified("b", 0.4),
        verified("c", 0.6),
        verified("x", 0.99, split=TWO),
        verified("y", 1, split=TWO),
    ]
    board = rank_entries(entries, metric="accuracy")
    assert names(board) == [["c", "a", "b"], ["y", "x"]]
    assert board.tables[0].caution == ""
    assert "split (222222222222…; first table: 111111111111…)" in board.tables[1].caution


def test_single_model_on_another_split_is_refused() -> None:
    entries = [verified("a", 0.5), verified("b", 0.4), verified("x", 0.99, split=TWO, revision="c" * 40)]
    board = rank_entries(entries, metric="accuracy")
    (unranked,) = board.unranked
    assert (unranked.name, unranked.revision) == ("x", "c" * 40)
    assert "222222222222…" in unranked.reason
    assert names(board) == [["a", "b"]]


def test_local_run_on_another_split_has_its_own_table() -> None:
    entries = [verified("run/1", 0.5, origin="local run"), verified("run/2", 0.4, split=TWO, origin="local run")]
    board = rank_entries(entries, metric="accuracy")
    assert names(board) == [["run/1"], ["run/2"]]
    assert board.unranked == []


def test_split_of_a_local_run_comes_first() -> None:
    entries = [verified(name, 0.5, split=TWO) for name in ("a/1", "a/2", "a/3")]
    board = rank_entries([*entries, verified("run/1", 0.4, origin="local run")], metric="accuracy")
    assert names(board) == [["run/1"], ["a/1", "a/2", "a/3"]]


def test_equal_fingerprints_share_a_table_under_any_dataset_name() -> None:
    board = rank_entries(
        [verified("a", 0.5, dataset="tiny"), verified("b", 0.6, dataset="ann/news")], metric="accuracy"
    )
    assert names(board) == [["b", "a"]]


def test_splits_without_a_fingerprint_also_need_the_same_dataset() -> None:
    split = "default/test at main"
    entries = [
        verified("a", 0.5, split=split),
        verified("b", 0.6, split=split),
        verified("c", 0.7, split=split, dataset="bob/x"),
    ]
    board = rank_entries(entries, metric="accuracy")
    assert names(board) == [["b", "a"]]
    assert f"{split} of bob/x" in board.unranked[0].reason


def test_order_of_the_entries_does_not_matter() -> None:
    entries = [verified("a", 0.8), verified("b", 0.8), verified("c", 0.9, split=TWO), verified("d", 0.1, split=TWO)]
    expected = rank_entries(entries, metric="accuracy")
    assert all(rank_entries(found, metric="accuracy") == expected for found in itertools.permutations(entries))


def test_refusals_are_sorted_and_kept() -> None:
    given = [Unranked("z", "second"), Unranked("a", "first")]
    assert rank_entries([verified("b", 0.5)], given, metric="accuracy").unranked == given[::-1]


# Verdicts.


def test_clear_difference_is_ahead_and_a_small_one_is_tied() -> None:
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
    assert table.rows[2].p_value == pytest.approx(3 * 2 / 2**12)


# Scores that are not verified.


def test_unverified_score_has_no_rank_and_stands_below_the_verified_scores() -> None:
    entries = [
        entry("claims/most", 0.99, claimed=0.99),
        entry("claims/least", 0.1, claimed=0.1),
        entry("good", 0.9, predictions=answer(18)),
        entry("bad", 0.4, predictions=answer(8)),
    ]
    (table,) = rank_entries(entries, metric="accuracy").tables
    assert [(row.rank, row.name) for row in table.rows] == [(1, "good"), (2, "bad")]
    assert [(row.rank, row.name) for row in table.unverified] == [(None, "claims/most"), (None, "claims/least")]
    # The claim of 0.99 does not separate the two verified models: they are tested, 10 rows differ.
    assert (table.rows[1].verdict, table.rows[1].p_value) == ("behind", pytest.approx(2 / 2**10))
    assert [row.verdict for row in table.unverified] == [None, None]


def test_lowest_unverified_log_loss_is_listed_first() -> None:
    board = rank_entries(
        [entry(name, score, metric="log_loss") for name, score in (("a", 0.9), ("b", 0.1))], metric="x"
    )
    assert unverified_names(board) == [["b", "a"]]


def test_score_that_the_hub_verified_is_ranked() -> None:
    board = rank_entries([verified("hub", 0.5), entry("claims", 0.9)], metric="accuracy")
    assert (names(board), unverified_names(board)) == ([["hub"]], [["claims"]])


def test_split_with_more_verified_models_comes_before_one_with_many_claims() -> None:
    claims = [entry(f"claims/{number}", 0.99, split=TWO) for number in range(5)]
    board = rank_entries([*claims, verified("hub/a", 0.5), verified("hub/b", 0.4)], metric="accuracy")
    assert (names(board), [len(table.unverified) for table in board.tables]) == ([["hub/a", "hub/b"], []], [0, 5])


def test_unverified_local_run_is_not_ranked_but_keeps_its_table() -> None:
    entries = [verified("a", 0.5), verified("b", 0.6), entry("run/1", 0.9, split=TWO, origin="local run")]
    board = rank_entries(entries, metric="accuracy")
    assert (names(board), unverified_names(board)) == ([[], ["b", "a"]], [["run/1"], []])


# Predictions for other rows.


def test_model_with_predictions_for_other_rows_is_not_verified() -> None:
    other = entry(
        "x",
        0.95,
        claimed=0.6,
        claimed_interval=Interval(0.5, 0.7),
        predictions=answer(19, first=3),
    )
    entries = [entry("a", 0.9, predictions=answer(18)), entry("b", 0.8, predictions=answer(16)), other]
    (table,) = rank_entries(entries, metric="accuracy").tables
    assert [row.name for row in table.rows] == ["a", "b"]
    last = table.unverified[0]
    assert (last.name, last.score, last.interval, last.predictions) == ("x", 0.6, Interval(0.5, 0.7), None)
    assert last.notes == ["not verified: its predictions are for other rows than those of a"]


def test_predictions_of_other_rows_without_a_claim_are_refused() -> None:
    entries = [entry("a", 0.9, predictions=answer(18)), entry("b", 0.8, predictions=answer(16))]
    board = rank_entries([*entries, entry("x", 0.95, predictions=answer(19, rows=19))], metric="accuracy")
    assert board.unranked == [Unranked("x", "its predictions are for other rows than those of a")]


def test_rows_of_a_local_run_are_the_standard() -> None:
    entries = [entry(name, 0.9, claimed=0.9, predictions=answer(18, first=5)) for name in ("a/1", "a/2", "a/3")]
    own = entry("run/1", 0.5, origin="local run", predictions=answer(10))
    board = rank_entries([*entries, own], metric="accuracy")
    assert (names(board), unverified_names(board)) == ([["run/1"]], [["a/1", "a/2", "a/3"]])


def test_made_up_references_count_as_other_rows() -> None:
    honest, made_up = answer(10), answer(10)
    made_up.references[:] = made_up.probabilities.argmax(axis=1)
    entries = [
        entry("run/1", 0.5, origin="local run", predictions=honest),
        entry("x", 1.0, claimed=1.0, predictions=made_up),
    ]
    board = rank_entries(entries, metric="accuracy")
    assert (names(board), unverified_names(board)) == ([["run/1"]], [["x"]])


# Copies of local runs.


def run(name: str, right: int, **options: str) -> Entry:
    return entry(name, right / 20, origin="local run", predictions=answer(right), **options)


def published(name: str, right: int, **options: str) -> Entry:
    return entry(name, right / 20, predictions=answer(right), **options)


def test_published_model_replaces_its_local_run() -> None:
    merged = merge_copies([run("tiny/one", 14), published("owner/tiny", 14), run("tiny/two", 15)])
    assert [(one.name, one.copies) for one in merged] == [("owner/tiny", ["tiny/one"]), ("tiny/two", ())]
    assert merged[0].notes == ["published from tiny/one"]
    assert merged[0].is_own


@pytest.mark.parametrize(
    "others", [[published("owner/x", 13)], [published("owner/x", 14, split=TWO)], [run("tiny/copy", 14)], []]
)
def test_run_without_a_published_copy_stays(others: list[Entry]) -> None:
    names = [one.name for one in merge_copies([run("tiny/one", 14), *others])]
    assert names == ["tiny/one", *(one.name for one in others)]


def test_split_of_a_published_run_comes_first() -> None:
    board = rank_entries(
        merge_copies([run("tiny/one", 14), published("owner/tiny", 14), *(published(n, 9, split=TWO) for n in "abc")]),
        metric="accuracy",
    )
    assert [row.name for row in board.tables[0].rows] == ["owner/tiny"]


def test_recipes_are_compared_with_the_first_one_that_is_known(make_recipe: Callable[..., Recipe]) -> None:
    first, repeated = make_recipe(), make_recipe("name=other", "hub.title=Other", "evaluation.top_k=[3]")
    longer = make_recipe("model.max_length=16", "training_arguments.weight_decay=0.1")
    entries = [
        verified("unknown", 0.9),
        verified("first", 0.8, recipe=first),
        verified("longer", 0.7, recipe=longer),
        verified("repeated", 0.6, recipe=repeated),
    ]
    (table,) = rank_entries(entries, metric="accuracy").tables
    assert [row.differs_in for row in table.rows] == [
        "",
        "",
        "model.max_length, training_arguments.weight_decay",
        "nothing",
    ]
    assert [(change.before, change.now) for change in table.rows[2].differences or ()] == [(32, 16), (None, 0.1)]


def test_published_copy_has_the_recipe_of_its_run(make_recipe: Callable[..., Recipe]) -> None:
    recipe, same = make_recipe(), answer(15)
    run = entry("tiny/1", 0.75, origin="local run", predictions=same, recipe=recipe)
    (merged,) = merge_copies([entry("ann/copy", 0.75, predictions=same), run])
    assert (merged.name, merged.recipe) == ("ann/copy", recipe)
