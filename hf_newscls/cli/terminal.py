"""What all commands share: where they print, and options that read alike."""

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

__all__ = [
    "RUNS",
    "CardsDirOption",
    "DataOption",
    "OverridesArgument",
    "RecipeArgument",
    "RunArgument",
    "RunsDirOption",
    "console",
    "make_printable",
    "messages",
    "quiet_transformers",
]

console = Console(emoji=False)
messages = Console(stderr=True, emoji=False)

RecipeArgument = Annotated[str, typer.Argument(help="Name of a recipe, or path of a .yaml file.", metavar="RECIPE")]
OverridesArgument = Annotated[
    list[str] | None, typer.Argument(help="Changes to the recipe: section.key=value.", metavar="KEY=VALUE")
]
DataOption = Annotated[str | None, typer.Option("--data", help="The news file, in place of the recipe's data.source.")]
RunArgument = Annotated[
    str,
    typer.Argument(help="Name or file of a recipe, whose latest run is taken, or a run folder.", metavar="RECIPE|RUN"),
]
RunsDirOption = Annotated[Path, typer.Option(help="Where run folders are kept.", envvar="HF_NEWSCLS_RUNS")]
CardsDirOption = Annotated[Path | None, typer.Option(help="Folder for a copy of the model card.")]
RUNS = Path("runs")
# Control characters but tab and line feed, and what ends lines or turns their direction. Not all that Unicode calls
# unprintable: joiners belong to words of many languages.
_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def make_printable(text: str) -> str:
    r"""Return a text as it can be printed: nothing in it is markup, and no character steers the terminal.

    >>> make_printable("red \x1b[31m, not [red]")
    'red \\x1b[31m, not \\[red]'
    """
    return escape(_STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text))


def quiet_transformers() -> None:
    """Hide transformers' bar for weights read from disk, a matter of a second; downloads keep theirs."""
    from huggingface_hub.utils.tqdm import enable_progress_bars
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    enable_progress_bars()
