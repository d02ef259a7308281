"""Shared by all commands: the console, arguments and options."""

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

console = Console(emoji=False)
messages = Console(stderr=True, emoji=False)

RecipeArgument = Annotated[str, typer.Argument(help="Name of a recipe, or path of a .yaml file.", metavar="RECIPE")]
OverridesArgument = Annotated[
    list[str] | None,
    typer.Argument(help="Changes to the recipe, as training_arguments.num_train_epochs=1.", metavar="KEY=VALUE"),
]
DataOption = Annotated[str | None, typer.Option("--data", help="The news file; replaces data.source of the recipe.")]
RunArgument = Annotated[
    str,
    typer.Argument(help="A recipe, by name or path, for its latest run; or a run folder.", metavar="RECIPE|RUN"),
]
RunsDirOption = Annotated[Path, typer.Option(help="Folder that holds the runs.", envvar="HF_NEWSCLS_RUNS")]
CardsDirOption = Annotated[Path | None, typer.Option(help="Also copy the model card to this folder.")]
RUNS = Path("runs")
# Control characters except tab and line feed, line separators, and marks of direction. Not all that Unicode calls
# unprintable: many languages need joiners.
_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def make_printable(text: str) -> str:
    r"""Escape a text: none of it is markup, and no character controls the terminal.

    >>> make_printable("red \x1b[31m, not [red]")
    'red \\x1b[31m, not \\[red]'
    """
    return escape(_STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text))


def print_line(text: str) -> None:
    """Print a text as it is: no markup, no highlighting, no line breaks."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def quiet_transformers() -> None:
    """Hide the progress bar of transformers for weights from disk; downloads keep theirs."""
    from huggingface_hub.utils.tqdm import enable_progress_bars
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    enable_progress_bars()
