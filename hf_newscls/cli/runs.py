"""The commands about finished runs: open a report, copy cards."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from hf_newscls import workflow
from hf_newscls.cli.terminal import RUNS, RunArgument, RunsDirOption, print_line


def open_report(run: RunArgument, runs_dir: RunsDirOption = RUNS) -> None:
    """Open the report of a finished run in the browser."""
    report = workflow.find_report(run, runs_dir=runs_dir)
    print_line(f"report: {report}")
    if not webbrowser.open(report.as_uri()):
        print_line("no browser found here; open the file yourself")


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
