"""The command that ranks models."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from hf_newscls import workflow
from hf_newscls.cli.display.terminal import (
    RUNS,
    DataOption,
    PublicOption,
    RunsDirOption,
    console,
    make_printable,
    print_line,
    print_pushed,
)
from hf_newscls.errors import InputError, shorten_text
from hf_newscls.evaluation.metric_names import name_metric

if TYPE_CHECKING:
    from hf_newscls.comparison.leaderboard import Entry, Leaderboard, Setting
    from hf_newscls.runs.recipe_diff import RecipeChange

_WIDE = 130  # columns of a terminal with room for notes in the table
_NUMBER_WIDTH = 10
_CHANGE = 60  # characters of a key with its value


def compare(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Recipes, for their runs and their models on the Hub; or datasets on the Hub.",
            metavar="RECIPE|DATASET",
        ),
    ] = None,
    author: Annotated[str | None, typer.Option(help="Only look for models of this owner on the Hub.")] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="Also rank this model on the Hub, or this run folder; can be repeated.",
            metavar="OWNER/NAME[@REVISION]|RUN",
        ),
    ] = None,
    external_model: Annotated[
        list[str] | None,
        typer.Option(
            help="Evaluate this classifier on the recipe's test set here, and rank it; can be repeated.",
            metavar="OWNER/NAME",
        ),
    ] = None,
    metric: Annotated[str, typer.Option(help="Score to rank by, for example f1_macro or log_loss.")] = "accuracy",
    local: Annotated[bool, typer.Option("--local", help="Rank only local runs; do not contact the Hub.")] = False,
    data: DataOption = None,
    output: Annotated[Path | None, typer.Option(help="Folder for the leaderboard as page, JSON and figure.")] = None,
    publish: Annotated[
        str | None,
        typer.Option(help="Push the leaderboard to this dataset repository on the Hub.", metavar="OWNER/NAME"),
    ] = None,
    public: PublicOption = False,
    trust_remote_code: Annotated[
        bool, typer.Option("--trust-remote-code", help="Run the code that the models of --external-model come with.")
    ] = False,
    runs_dir: RunsDirOption = RUNS,
) -> None:
    """Rank models that were evaluated on the same test set. The others are listed with the reason."""
    if public and publish is None:
        raise InputError("--public: no --publish; name the repository with --publish")
    workflow.check_leaderboard_target(output, publish, private=not public)
    board = workflow.compare(
        *(names or []),
        models=model or [],
        external_models=external_model or [],
        author=author,
        metric=metric,
        local=local,
        trust_remote_code=trust_remote_code,
        data=data,
        runs_dir=runs_dir,
    )
    _print_board(board)
    if output is not None:
        workflow.save_leaderboard(board, output)
        print_line(f"page: {output / 'leaderboard.md'}")
    if publish is not None:
        print_pushed(workflow.publish_leaderboard(board, publish, private=not public))


def _print_board(board: "Leaderboard") -> None:
    """Print the tables, then the models that are in none; text from the Hub is never read as markup."""
    for table in board.tables:
        title = f"{table.setting.dataset or 'unnamed dataset'}, split {table.setting.short_split}"
        if table.rows:
            _print_rows(table.setting, table.rows, title=title)
        if table.unverified:
            _print_rows(table.setting, table.unverified, title=f"{title}: not verified, not ranked")
        if table.caution:
            console.print(table.caution, markup=False, highlight=False)
    if board.unranked:
        unranked = Table("model", "reason", title="not ranked")
        for one in board.unranked:
            unranked.add_row(_name(one.name, one.revision), Text(one.reason))
        console.print(unranked)
    for remark in board.remarks:
        console.print(remark, markup=False, highlight=False)


def _print_rows(setting: "Setting", rows: "Sequence[Entry]", *, title: str) -> None:
    """Print a table; on a narrow terminal, differences and notes follow below it."""
    is_wide = console.width >= _WIDE
    metric = make_printable(name_metric(setting.metric))
    shown, cells = Table(), [_build_cells(row, is_wide=is_wide) for row in rows]
    hidden = set() if is_wide else {"differs in", "notes"}
    if setting.metric == "f1_macro":
        hidden.add("Macro F1")
    if rows[0].rank is None:
        hidden |= {"rank", "vs. the first"}
    names = [name for name in cells[0] if name not in hidden]
    for name in names:
        header = metric if name == "score" else name
        # Names are folded, not cut, and get the room that the numbers leave.
        shown.add_column(header, overflow="fold", max_width=None if is_wide or name == "model" else _NUMBER_WIDTH)
    for one in cells:
        shown.add_row(*(one[name] for name in names))
    console.print(Text(title, style="italic"))  # the title of a table is broken to its width
    console.print(shown)
    for row in () if is_wide else rows:
        if row.differences is not None:
            console.print(f"{row.name}: differs in {_list_differences(row)}", markup=False, highlight=False)
        if row.notes:
            console.print(f"{row.name}: {'; '.join(row.notes)}", markup=False, highlight=False)


def _list_differences(entry: "Entry") -> str:
    """Return the keys with other values than in the recipe of the first model, and both values."""
    return ", ".join(_describe_change(change) for change in entry.differences or ()) or entry.differs_in


def _describe_change(change: "RecipeChange") -> str:
    text = shorten_text(f"{change.key}={change.now!r}", limit=_CHANGE)
    if isinstance(change.before, Mapping):  # a section that this recipe leaves out
        return text
    return f"{text} (first: {shorten_text(repr(change.before), limit=_CHANGE)})"


def _build_cells(entry: "Entry", *, is_wide: bool) -> dict[str, str | Text]:
    interval = entry.interval
    name = _name(entry.name, entry.revision)
    return {
        "rank": str(entry.rank),
        # Two lines, so that a long name is not cut anywhere.
        "model": name if is_wide else Text(name.plain.replace("/", "/\n", 1)),
        "score": f"{entry.score:.4f}",
        "95% interval": str(interval) if interval else "",
        "Macro F1": "" if entry.f1_macro is None else f"{entry.f1_macro:.4f}",
        "vs. the first": entry.verdict_text,
        "differs in": Text(_list_differences(entry)),
        "notes": Text("; ".join(entry.notes)),
    }


def _name(name: str, revision: str | None) -> Text:
    return Text(f"{name} @{revision[:7]}" if revision else name)
