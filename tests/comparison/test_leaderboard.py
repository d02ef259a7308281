"""A leaderboard as a table of pandas, and as a notebook shows it."""

import pandas as pd
import pytest

from hf_newscls.comparison.leaderboard import Leaderboard, Unranked
from hf_newscls.comparison.ranking import rank_entries
from hf_newscls.evaluation.statistics.bootstrap import Interval
from tests.comparison.board_parts import ONE, TWO, answer, entry


@pytest.fixture
def board() -> Leaderboard:
    entries = [
        entry("ann/best", 0.95, revision="a" * 40, predictions=answer(19), interval=Interval(0.8, 1.0), f1_macro=0.94),
        entry("bob/worst", 0.4, predictions=answer(8)),
        entry("cat/claims", 0.99, claimed=0.99, notes=["<b>one</b>", "two"]),
        entry("run/1", 0.7, split=TWO, dataset="tiny", origin="local run", predictions=answer(14)),
    ]
    return rank_entries(entries, [Unranked("fay/none", "has no scores", "c" * 40)], metric="accuracy")


def test_each_model_is_a_row_in_the_order_of_the_tables(board: Leaderboard) -> None:
    found = board.to_pandas()
    assert [*found["name"]] == ["run/1", "ann/best", "bob/worst", "cat/claims", "fay/none"]
    assert [*found["rank"].fillna(0)] == [1, 1, 2, 0, 0]
    assert [*found["split"][:4]] == [TWO, ONE, ONE, ONE]
    assert [*found["dataset"][:4]] == ["tiny", "ann/news", "ann/news", "ann/news"]
    assert [*found["is_verified"][:4]] == [True, True, True, False]


def test_row_holds_the_score_with_its_interval_and_verdict(board: Leaderboard) -> None:
    found = board.to_pandas().set_index("name")
    best, worst = found.loc["ann/best"], found.loc["bob/worst"]
    assert (best["score"], best["interval_low"], best["interval_high"], best["f1_macro"]) == (0.95, 0.8, 1.0, 0.94)
    assert (best["revision"], best["origin"], best["metric"]) == ("a" * 40, "Hub", "accuracy")
    assert pd.isna(best["verdict"])
    # The two differ on 11 rows, all in favor of the first.
    assert (worst["verdict"], worst["p_value"]) == ("behind", pytest.approx(2 / 2**11))
    assert found.loc["cat/claims", "notes"] == "<b>one</b>; two"


def test_refused_model_has_only_its_reason(board: Leaderboard) -> None:
    unranked = board.to_pandas().set_index("name").loc["fay/none"].dropna()
    assert unranked.to_dict() == {"revision": "c" * 40, "reason": "has no scores"}


def test_empty_leaderboard_has_the_same_columns(board: Leaderboard) -> None:
    empty = Leaderboard("accuracy", [], []).to_pandas()
    assert (len(empty), [*empty.columns]) == (0, [*board.to_pandas().columns])


def test_notebook_shows_names_and_reasons_without_markup(board: Leaderboard) -> None:
    html = board._repr_html_()
    assert html.startswith("<table")
    assert "ann/best" in html
    assert "has no scores" in html
    assert "<b>" not in html
