"""The commands about finished runs: list them, open a report or a demo, copy cards."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from hf_newscls import workflow
from hf_newscls.cli.display.terminal import (
    RUNS,
    ModelArgument,
    RunArgument,
    RunsDirOption,
    console,
    make_printable,
    print_line,
)


def list_runs(runs_dir: RunsDirOption = RUNS) -> None:
    """List the finished runs: scores on the test set, minutes of training, and what changed since the run before."""
    numbers = (Column(name, justify="right") for name in ("Accuracy", "Macro F1", "minutes"))
    columns = (Column("recipe", overflow="fold"), Column("run", no_wrap=True), *numbers)
    table = Table(*columns, box=None, header_style="bold")
    runs = workflow.list_runs(runs_dir=runs_dir)
    for run in runs:
        scores = (f"{run.accuracy:.4f}", f"{run.f1_macro:.4f}", f"{run.minutes:.1f}")
        table.add_row(make_printable(run.recipe_name), run.path.name, *scores)
    console.print(table)
    for run in runs:
        if run.changes:
            print_line(make_printable(f"{run.recipe_name}/{run.path.name}: changed {run.describe_changes()}"))


def open_report(run: RunArgument, runs_dir: RunsDirOption = RUNS) -> None:
    """Open the report of a finished run in the browser."""
    report = workflow.find_report(run, runs_dir=runs_dir)
    print_line(f"report: {report}")
    if not webbrowser.open(report.as_uri()):
        print_line("no browser found here; open the file yourself")


def demo(model: ModelArgument, runs_dir: RunsDirOption = RUNS) -> None:
    """Serve a page on which you can try a model, on 127.0.0.1, until Ctrl-C. Needs the extra `demo`."""
    workflow.demo(model, runs_dir=runs_dir)


def copy_cards(
    runs: Annotated[
        list[str],
        typer.Argument(help="Finished runs: names of recipes, for their latest runs, or folders.", metavar="RUN..."),
    ],
    output: Annotated[Path, typer.Option(help="Folder for the cards.")] = Path("model_cards"),
    runs_dir: RunsDirOption = RUNS,
) -> None:
    """Copy the model cards of finished runs, with their figures, into one folder."""
    for card in workflow.copy_cards(runs, output, runs_dir=runs_dir):
        print_line(f"card: {card}")
