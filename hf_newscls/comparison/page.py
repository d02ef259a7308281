"""Write a leaderboard as Markdown, as JSON, as a figure, and as the card of a dataset repository."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from huggingface_hub import DatasetCardData

from hf_newscls.comparison.leaderboard import Entry, Leaderboard, Table
from hf_newscls.evaluation.metric_names import name_metric
from hf_newscls.report.card_metadata import LEADERBOARD_TAG, TOOL_TAG
from hf_newscls.report.figures.leaderboard import Dot, Panel, plot_leaderboard
from hf_newscls.report.figures.style import save_figure, shorten_name
from hf_newscls.report.template import render_template
from hf_newscls.storage import format_json

_TITLE = "Leaderboard"


def build_leaderboard_files(board: Leaderboard) -> dict[str, bytes]:
    """Return leaderboard.md, leaderboard.json and leaderboard.png; equal leaderboards give equal bytes."""
    content = {
        "metric": board.metric,
        "remarks": board.remarks,
        "tables": [_table_to_dict(table) for table in board.tables],
        "unranked": [{"model": one.name, "commit": one.revision, "reason": one.reason} for one in board.unranked],
    }
    return {
        "leaderboard.md": _render(board).encode(),
        "leaderboard.json": format_json(content).encode(),
        "leaderboard.png": _draw(board),
    }


def render_board_card(board: Leaderboard) -> str:
    """Return the README.md of a dataset repository for the leaderboard, metadata first."""
    tags = [TOOL_TAG, LEADERBOARD_TAG]
    data = DatasetCardData(pretty_name=_TITLE, tags=tags, task_categories=["text-classification"])
    data["viewer"] = False
    return f"---\n{data.to_yaml()}\n---\n\n{_render(board)}"


def _render(board: Leaderboard) -> str:
    return render_template("hf_newscls.comparison", "templates/leaderboard.md.jinja", board=board, title=_TITLE)


def _table_to_dict(table: Table) -> dict[str, Any]:
    return {
        **asdict(table.setting),
        "caution": table.caution,
        "models": [_entry_to_dict(entry) for entry in table.rows],
        "not_verified": [_entry_to_dict(entry) for entry in table.unverified],
        "pairs": [asdict(pair) for pair in table.pairs],
    }


def _entry_to_dict(entry: Entry) -> dict[str, Any]:
    return {
        "rank": entry.rank,
        "model": entry.name,
        "origin": entry.origin,
        "commit": entry.revision,
        "score": entry.score,
        "interval": entry.interval,
        "claimed": entry.claimed,
        "is_verified": entry.is_verified,
        "f1_macro": entry.f1_macro,
        "against_the_first": entry.verdict,
        "adjusted_p_value": entry.p_value,
        "differs_in": None if entry.differences is None else [change.key for change in entry.differences],
        "notes": entry.notes,
    }


def _draw(board: Leaderboard) -> bytes:
    panels = [
        _build_panel(table, rows, suffix=suffix)
        for table in board.tables
        for rows, suffix in ((table.rows, ""), (table.unverified, ", not verified"))
        if rows
    ]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "leaderboard.png"
        save_figure(plot_leaderboard(panels), path)
        return path.read_bytes()


def _build_panel(table: Table, rows: Sequence[Entry], *, suffix: str) -> Panel:
    setting = table.setting
    # The figure's font has few scripts.
    dataset = f"{shorten_name(setting.dataset)}, " if setting.dataset and setting.dataset.isascii() else ""
    return Panel(
        title=f"{dataset}split {shorten_name(setting.short_split)}{suffix}",
        xlabel=name_metric(setting.metric),
        dots=[Dot(row.name, row.score, row.interval, is_verified=row.is_verified) for row in rows],
    )
