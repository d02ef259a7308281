"""Leaderboards as files: text from the Hub is never markup, and equal leaderboards give equal bytes."""

import json
from collections.abc import Sequence
from io import BytesIO

import pytest
import yaml
from markdown_it import MarkdownIt
from matplotlib.figure import Figure
from PIL import Image

from hf_newscls.comparison.leaderboard import Leaderboard, Unranked
from hf_newscls.comparison.page import build_leaderboard_files, render_board_card
from hf_newscls.comparison.ranking import rank_entries
from hf_newscls.evaluation.statistics.bootstrap import Interval
from hf_newscls.report.figures.leaderboard import Panel, plot_leaderboard
from hf_newscls.report.markdown import escape_markdown
from tests.comparison.board_parts import ONE, TWO, answer, entry

HOSTILE = "<script>alert(1)</script> [red]x[/] | `code` [link](http://bad) **b**"


def build_board(note: str = "not verified: no predictions") -> Leaderboard:
    entries = [
        entry("ann/best", 0.95, revision="a" * 40, predictions=answer(19), claimed=0.95, f1_macro=0.94),
        entry("bob/worst", 0.4, revision="b" * 40, predictions=answer(8), interval=Interval(0.2, 0.6)),
        entry("cat/claims", 0.5, claimed=0.5, notes=[note], dataset=note),
        entry("dan/x", 0.7, split=TWO),
        entry("eve/y", 0.6, split=TWO),
    ]
    return rank_entries(entries, [Unranked("fay/none", note, "c" * 40)], metric="accuracy")


def build_page(board: Leaderboard) -> str:
    return build_leaderboard_files(board)["leaderboard.md"].decode()


def test_each_ranked_model_has_a_line() -> None:
    lines = build_page(build_board()).splitlines()
    assert "| 1 | ann/best at `aaaaaaaaaaaa` | 0.9500 |  | 0.9400 |  |  |  |" in lines
    # The two differ on 11 rows: p = 2 / 2^11.
    worst = "| 2 | bob/worst at `bbbbbbbbbbbb` | 0.4000 | 0.2000 to 0.6000 |  | behind \\(p \\= 0.00098\\) |  |  |"
    assert worst in lines
    assert "| fay/none at `cccccccccccc` | not verified: no predictions |" in lines


def test_unverified_models_have_a_table_without_ranks_below_the_ranked_ones() -> None:
    lines = build_page(build_board()).splitlines()
    claims = lines.index("| cat/claims | 0.5000 |  |  | not verified: no predictions |")
    ranked = next(index for index, line in enumerate(lines) if line.startswith("| 2 | bob/worst"))
    assert ranked < lines.index("### Not verified") < claims
    assert sum("cat/claims" in line for line in lines) == 1


def test_second_table_carries_its_caution() -> None:
    board = build_board()
    assert f"Split `{TWO}`, 0 verified, 2 not verified. {escape_markdown(board.tables[1].caution)}" in build_page(board)


def test_text_from_the_hub_is_not_markup() -> None:
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
        "is_verified": True,
        "f1_macro": 0.94,
        "against_the_first": None,
        "adjusted_p_value": None,
        "differs_in": None,
        "notes": [],
    }
    (pair,) = first["pairs"]
    assert (pair["first"], pair["second"], pair["verdict"]) == ("ann/best", "bob/worst", "ahead")
    assert pair["p_value"] == pair["adjusted_p_value"] == 2 / 2**11
    assert content["unranked"] == [{"model": "fay/none", "commit": "c" * 40, "reason": "not verified: no predictions"}]


def test_json_lists_unverified_models_without_ranks() -> None:
    content = json.loads(build_leaderboard_files(build_board())["leaderboard.json"])
    listed = [[(row["model"], row["rank"]) for row in table["not_verified"]] for table in content["tables"]]
    assert listed == [[("cat/claims", None)], [("dan/x", None), ("eve/y", None)]]
    assert [row["model"] for row in content["tables"][0]["models"]] == ["ann/best", "bob/worst"]
    assert content["tables"][1]["models"] == []


def test_equal_boards_give_equal_bytes() -> None:
    assert build_leaderboard_files(build_board()) == build_leaderboard_files(build_board())


def test_figure_draws_unverified_models_in_panels_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Panel] = []

    def plot(panels: Sequence[Panel]) -> Figure:
        drawn.extend(panels)
        return plot_leaderboard(panels)

    monkeypatch.setattr("hf_newscls.comparison.page.plot_leaderboard", plot)
    build_leaderboard_files(build_board())
    assert [(panel.title.endswith(", not verified"), [dot.name for dot in panel.dots]) for panel in drawn] == [
        (False, ["ann/best", "bob/worst"]),
        (True, ["cat/claims"]),
        (True, ["dan/x", "eve/y"]),
    ]
    assert [dot.is_verified for panel in drawn for dot in panel.dots] == [True, True, False, False, False]


def test_figure_is_a_png() -> None:
    picture = Image.open(BytesIO(build_leaderboard_files(build_board())["leaderboard.png"]))
    assert picture.format == "PNG"
    assert min(picture.size) > 300


def test_card_is_the_page_with_metadata() -> None:
    _, metadata, body = render_board_card(build_board()).split("---\n", 2)
    assert yaml.safe_load(metadata)["tags"] == ["hf-newscls", "leaderboard"]
    assert body.strip() == build_page(build_board()).strip()


def test_verdict_comes_with_its_p_value() -> None:
    row = entry("a/b", 0.5, rank=2, verdict="behind", p_value=0.00123)
    assert row.verdict_text == "behind (p = 0.0012)"
    assert entry("a/b", 0.5, rank=1).verdict_text == ""
