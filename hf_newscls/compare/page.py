"""Write a leaderboard down: as Markdown, as JSON, as a figure, and as the card of a dataset repository."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from huggingface_hub import DatasetCardData

from hf_newscls.compare.leaderboard import Entry, Leaderboard, Row, Table
from hf_newscls.compare.pairwise_tests import Pair
from hf_newscls.evaluation.metric_names import is_metric, name_metric
from hf_newscls.evaluation.statistics.significance import Verdict
from hf_newscls.report.card_metadata import LEADERBOARD_TAG, TOOL_TAG
from hf_newscls.report.figures.leaderboard import Dot, Panel, plot_leaderboard
from hf_newscls.report.figures.style import save_figure, shorten_name
from hf_newscls.report.template import render_template

__all__ = ["build_leaderboard_files", "describe_metric", "describe_verdict", "render_board_card"]

_TITLE = "Leaderboard"


def build_leaderboard_files(board: Leaderboard) -> dict[str, bytes]:
    """Return leaderboard.md, leaderboard.json and leaderboard.png; equal leaderboards give equal bytes."""
    return {
        "leaderboard.md": _render(board).encode(),
        "leaderboard.json": _write_json(board).encode(),
        "leaderboard.png": _draw(board),
    }


def render_board_card(board: Leaderboard) -> str:
    """Return the README.md of a dataset repository that holds the leaderboard, metadata first."""
    options: dict[str, Any] = {"viewer": False}
    data = DatasetCardData(
        pretty_name=_TITLE,
        tags=[TOOL_TAG, LEADERBOARD_TAG],
        task_categories=["text-classification"],
        **options,
    )
    return f"---\n{data.to_yaml()}\n---\n\n{_render(board)}"


def describe_metric(metric: str) -> str:
    """Return the title of a score; what is none of ours stays as it is.

    >>> describe_metric("f1_macro"), describe_metric("as the benchmark defines it")
    ('Macro F1', 'as the benchmark defines it')
    """
    return name_metric(metric) if is_metric(metric) else metric


def describe_verdict(row: Row) -> str:
    """Say how a model stands to the one above it; nothing of the first, nor where the two could not be tested."""
    if row.verdict is None or row.p_value is None:
        return "" if row.verdict is None else row.verdict
    return f"{row.verdict} (p = {row.p_value:.2g})"


def _render(board: Leaderboard) -> str:
    return render_template(
        "hf_newscls.compare",
        "templates/leaderboard.md.jinja",
        board=board,
        title=_TITLE,
        describe_metric=describe_metric,
        describe_verdict=describe_verdict,
    )


def _write_json(board: Leaderboard) -> str:
    content = {
        "metric": board.metric,
        "remarks": [*board.remarks],
        "tables": [_table_to_dict(table) for table in board.tables],
        "refused": [{"model": one.name, "commit": one.revision, "reason": one.reason} for one in board.refusals],
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _table_to_dict(table: Table) -> dict[str, Any]:
    return {
        "dataset": table.setting.dataset,
        "split": table.setting.split,
        "metric": table.setting.metric,
        "caution": table.caution,
        "models": [_row_to_dict(row) for row in table.rows],
        "pairs": [_pair_to_dict(pair) for pair in table.pairs],
    }


def _row_to_dict(row: Row) -> dict[str, Any]:
    entry, interval = row.entry, row.entry.interval
    return {
        "rank": row.rank,
        "model": entry.name,
        "origin": entry.origin,
        "commit": entry.revision,
        "score": entry.score,
        "interval": [interval.low, interval.high] if interval else None,
        "claimed": entry.claimed,
        "is_checked": entry.predictions is not None,
        "f1_macro": entry.f1_macro,
        "against_the_one_above": row.verdict,
        "adjusted_p_value": row.p_value,
        "notes": [*entry.notes],
    }


def _pair_to_dict(pair: Pair) -> dict[str, str | float | Verdict]:
    return {
        "first": pair.first,
        "second": pair.second,
        "test": pair.test,
        "gain": pair.gain,
        "p_value": pair.p_value,
        "adjusted_p_value": pair.adjusted_p_value,
        "verdict": pair.verdict,
    }


def _draw(board: Leaderboard) -> bytes:
    figure = plot_leaderboard([_build_panel(table) for table in board.tables])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "leaderboard.png"
        save_figure(figure, path)
        return path.read_bytes()


def _build_panel(table: Table) -> Panel:
    setting = table.setting
    # The figure's font has few scripts.
    dataset = f"{shorten_name(setting.dataset)}, " if setting.dataset and setting.dataset.isascii() else ""
    return Panel(
        title=f"{dataset}split {shorten_name(setting.short_split)}",
        xlabel=describe_metric(setting.metric),
        dots=[_build_dot(row.entry) for row in table.rows],
    )


def _build_dot(entry: Entry) -> Dot:
    return Dot(entry.name, entry.score, entry.interval, is_checked=entry.predictions is not None)
