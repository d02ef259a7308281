"""What all commands share: where they print, and options that read alike."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

__all__ = [
    "RUNS",
    "CardsDirOption",
    "DataOption",
    "OverridesArgument",
    "RecipeArgument",
    "RunArgument",
    "RunsDirOption",
    "console",
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
    str, typer.Argument(help="Name of a recipe, whose latest run is taken, or a run folder.", metavar="RECIPE|RUN")
]
RunsDirOption = Annotated[Path, typer.Option(help="Where run folders are kept.", envvar="HF_NEWSCLS_RUNS")]
CardsDirOption = Annotated[Path | None, typer.Option(help="Folder for a copy of the model card.")]
RUNS = Path("runs")


def quiet_transformers() -> None:
    """Hide transformers' bar for weights read from disk, a matter of a second; downloads keep theirs."""
    from huggingface_hub.utils.tqdm import enable_progress_bars
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    enable_progress_bars()
