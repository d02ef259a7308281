"""A leaderboard written down: nothing from the Hub is taken for markup, and equal ones give equal bytes."""

import json
from io import BytesIO

import yaml
from markdown_it import MarkdownIt
from PIL import Image

from hf_newscls.compare.leaderboard import Leaderboard, Refusal, Row, rank_entries
from hf_newscls.compare.page import build_leaderboard_files, describe_verdict, render_board_card
from hf_newscls.evaluation.statistics.bootstrap import Interval
from tests.compare.board_parts import ONE, TWO, answer, entry

HOSTILE = "<script>alert(1)</script> [red]x[/] | `code` [link](http://bad) **b**"


def build_board(note: str = "not checked") -> Leaderboard:
    entries = [
        entry("ann/best", 0.95, revision="a" * 40, predictions=answer(19), claimed=0.95, f1_macro=0.94),
        entry("bob/worst", 0.4, revision="b" * 40, predictions=answer(8), interval=Interval(0.2, 0.6)),
        entry("cat/claims", 0.5, claimed=0.5, notes=[note], dataset=note),
        entry("dan/x", 0.7, split=TWO),
        entry("eve/y", 0.6, split=TWO),
    ]
    return rank_entries(entries, [Refusal("fay/none", note, "c" * 40)], metric="accuracy")


def build_page(board: Leaderboard) -> str:
    return build_leaderboard_files(board)["leaderboard.md"].decode()


def test_each_model_has_a_line() -> None:
    lines = build_page(build_board()).splitlines()
    assert "| 1 | ann/best at `aaaaaaaaaaaa` | 0.9500 |  | 0.9400 |  |  |" in lines
    assert "| 2 | cat/claims | 0.5000 |  |  |  | not checked |" in lines
    # The two differ on 11 rows: p = 2 / 2^11. Between them stands a model that was not tested.
    assert "| 3 | bob/worst at `bbbbbbbbbbbb` | 0.4000 | 0.2000 to 0.6000 |  |  |  |" in lines
    assert "| fay/none at `cccccccccccc` | not checked |" in lines


def test_second_table_carries_its_caution() -> None:
    board = build_board()
    assert build_page(board).count("| Rank | Model |") == 2
    assert f"Split `{TWO}`, 2 models. Not to be compared with the first table" in build_page(board)


def test_hostile_words_stay_words() -> None:
    html = MarkdownIt("commonmark").enable("table").render(build_page(build_board(HOSTILE)))
    assert "<script>" not in html
    assert "http://bad" in html
    assert '<a href="http://bad"' not in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt; [red]x[/] | `code` [link](http://bad) **b**") >= 2


def test_json_holds_everything() -> None:
    content = json.loads(build_leaderboard_files(build_board())["leaderboard.json"])
    first = content["tables"][0]
    assert (first["split"], first["metric"], first["caution"]) == (ONE, "accuracy", "")
    assert first["models"][0] == {
        "rank": 1,
        "model": "ann/best",
        "origin": "Hub",
        "commit": "a" * 40,
        "score": 0.95,
        "interval": None,
        "claimed": 0.95,
        "is_checked": True,
        "f1_macro": 0.94,
        "against_the_one_above": None,
        "adjusted_p_value": None,
        "notes": [],
    }
    (pair,) = first["pairs"]
    assert (pair["first"], pair["second"], pair["verdict"]) == ("ann/best", "bob/worst", "ahead")
    assert pair["p_value"] == pair["adjusted_p_value"] == 2 / 2**11
    assert content["refused"] == [{"model": "fay/none", "commit": "c" * 40, "reason": "not checked"}]


def test_equal_boards_give_equal_bytes() -> None:
    assert build_leaderboard_files(build_board()) == build_leaderboard_files(build_board())


def test_figure_is_a_picture() -> None:
    picture = Image.open(BytesIO(build_leaderboard_files(build_board())["leaderboard.png"]))
    assert picture.format == "PNG"
    assert min(picture.size) > 300


def test_card_is_the_page_with_metadata() -> None:
    _, metadata, body = render_board_card(build_board()).split("---\n", 2)
    assert yaml.safe_load(metadata)["tags"] == ["hf-newscls", "leaderboard"]
    assert body.strip() == build_page(build_board()).strip()


def test_verdict_comes_with_its_p_value() -> None:
    row = Row(2, entry("a/b", 0.5), "behind", 0.00123)
    assert describe_verdict(row) == "behind (p = 0.0012)"
    assert describe_verdict(Row(1, entry("a/b", 0.5))) == ""
