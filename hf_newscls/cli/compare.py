"""The command that ranks models."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from hf_newscls.cli.terminal import RUNS, DataOption, RunsDirOption, console, make_printable, quiet_transformers
from hf_newscls.errors import InputError

if TYPE_CHECKING:
    from hf_newscls.compare import leaderboard

__all__ = ["compare"]

_WIDE = 130  # columns of a terminal that has room for notes in the table
_NUMBER_WIDTH = 10


def compare(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Recipes, for their runs here and their models on the Hub, and datasets on the Hub.",
            metavar="RECIPE|DATASET",
        ),
    ] = None,
    author: Annotated[str | None, typer.Option(help="Look for models of this owner alone.")] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="A further model on the Hub; can be repeated.", metavar="OWNER/NAME")
    ] = None,
    external_model: Annotated[
        list[str] | None,
        typer.Option(
            help="A classifier on the Hub to measure here, on the recipe's test set; can be repeated.",
            metavar="OWNER/NAME",
        ),
    ] = None,
    metric: Annotated[str, typer.Option(help="Score to rank by, as f1_macro or log_loss.")] = "accuracy",
    local: Annotated[bool, typer.Option("--local", help="Leave the Hub alone.")] = False,
    data: DataOption = None,
    output: Annotated[Path | None, typer.Option(help="Folder for page, JSON and figure.")] = None,
    publish: Annotated[
        str | None, typer.Option(help="Push them to this dataset repository.", metavar="OWNER/NAME")
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="Let a new repository be public.")] = False,
    trust_remote_code: Annotated[
        bool, typer.Option("--trust-remote-code", help="Run code that comes with the models of --external-model.")
    ] = False,
    runs_dir: RunsDirOption = RUNS,
) -> None:
    """Rank models; only those measured on the same split share a table, and the rest is told why not."""
    from hf_newscls import workflow

    if public and publish is None:
        raise InputError("--public: must go with --publish, got none; name the repository")
    quiet_transformers()
    comparison = workflow.Comparison(
        models=model or [],
        external_models=external_model or [],
        author=author,
        metric=metric,
        is_local=local,
        trust_remote_code=trust_remote_code,
        data=data,
    )
    board = workflow.compare(names or [], comparison, runs_dir=runs_dir)
    _print_board(board)
    if output is not None:
        workflow.save_leaderboard(board, output)
        console.print(f"page: {output / 'leaderboard.md'}", markup=False, soft_wrap=True)
    if publish is not None:
        pushed = workflow.publish_leaderboard(board, publish, private=not public)
        console.print(pushed.url if pushed.is_new else f"nothing new: {pushed.url}", markup=False, soft_wrap=True)


def _print_board(board: "leaderboard.Leaderboard") -> None:
    """Print the tables, then who has no place in them; nothing from the Hub is taken for markup."""
    has_notes = console.width >= _WIDE
    for table in board.tables:
        console.print(_build_table(table, has_notes=has_notes))
        for entry in [row.entry for row in table.rows if row.entry.notes and not has_notes]:
            console.print(f"{entry.name}: {'; '.join(entry.notes)}", markup=False, highlight=False)
        if table.caution:
            console.print(table.caution, markup=False, highlight=False)
    if board.refusals:
        refused = Table("not ranked", "reason", title="refused")
        for one in board.refusals:
            refused.add_row(_name(one.name, one.revision), Text(one.reason))
        console.print(refused)
    for remark in board.remarks:
        console.print(remark, markup=False, highlight=False)


def _build_table(table: "leaderboard.Table", *, has_notes: bool) -> Table:
    from hf_newscls.compare.page import describe_metric, describe_verdict

    setting = table.setting
    shown = Table(title=Text(f"{setting.dataset or 'unnamed dataset'}, split {setting.short_split}"))
    metric = make_printable(describe_metric(setting.metric).lower())
    columns = ["rank", "model", metric, "95% interval", "macro F1", "against the one above", "notes"]
    for name in columns if has_notes else columns[:-1]:
        # Folded, not cut: a name that ends in dots is no name, and it gets what room the numbers leave.
        shown.add_column(name, overflow="fold", max_width=None if has_notes or name == "model" else _NUMBER_WIDTH)
    for row in table.rows:
        entry, interval = row.entry, row.entry.interval
        cells: list[str | Text] = [
            str(row.rank),
            _name(entry.name, entry.revision),
            f"{entry.score:.4f}",
            f"{interval.low:.4f} to {interval.high:.4f}" if interval else "",
            "" if entry.f1_macro is None else f"{entry.f1_macro:.4f}",
            describe_verdict(row),
            Text("; ".join(entry.notes)),
        ]
        shown.add_row(*(cells if has_notes else cells[:-1]))
    return shown


def _name(name: str, revision: str | None) -> Text:
    return Text(f"{name} @{revision[:7]}" if revision else name)
