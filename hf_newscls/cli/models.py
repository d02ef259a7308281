"""The commands for trained models, and for the machine they run on."""

import sys
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from hf_newscls.cli.terminal import RUNS, RunArgument, RunsDirOption, output, quiet_transformers

__all__ = ["doctor", "predict", "publish"]


def predict(
    model: Annotated[
        str, typer.Argument(help="Recipe with a finished run, run folder, model folder or Hub id.", metavar="MODEL")
    ],
    texts: Annotated[list[str] | None, typer.Argument(help="Texts; without any, lines of standard input.")] = None,
    top_k: Annotated[int, typer.Option(min=1, help="Labels to show for each text.")] = 3,
    runs_dir: RunsDirOption = RUNS,
) -> None:
    """Print the most probable labels of texts."""
    from hf_newscls import workflow

    quiet_transformers()
    lines = texts or [line.strip() for line in sys.stdin if line.strip()]
    for prediction in workflow.predict(model, lines, runs_dir=runs_dir, top_k=top_k):
        output.print(escape(prediction.text), style="bold", highlight=False, soft_wrap=True)
        for label, probability in zip(prediction.labels, prediction.probabilities, strict=True):
            output.print(f"  {probability:7.2%}  {escape(label)}", highlight=False)


def publish(
    run: RunArgument,
    repo_id: Annotated[str | None, typer.Option(help="owner/name on the Hub; else as the recipe says.")] = None,
    private: Annotated[bool | None, typer.Option(help="Whether a new repository is private.")] = None,
    runs_dir: RunsDirOption = RUNS,
) -> None:
    """Push a finished run's model and card to the Hub, in one commit."""
    from hf_newscls import workflow

    output.print(workflow.publish(run, runs_dir=runs_dir, repo_id=repo_id, private=private), soft_wrap=True)


def doctor() -> None:
    """Show what this machine offers: versions, device, disk, tokens."""
    from hf_newscls.doctor import inspect_machine

    table = Table("what", "found", box=None, header_style="bold")
    for what, found in inspect_machine().items():
        table.add_row(what, escape(found))
    output.print(table)
