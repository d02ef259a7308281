"""Shared by all commands: the console, arguments and options."""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from hf_newscls.hub.commit import Pushed

console = Console(emoji=False)
messages = Console(stderr=True, emoji=False)

RecipeArgument = Annotated[str, typer.Argument(help="Name of a recipe, or path to a .yaml file.", metavar="RECIPE")]
OverridesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        help="Values that replace those of the recipe, for example training_arguments.num_train_epochs=1.",
        metavar="KEY=VALUE",
    ),
]
DataOption = Annotated[
    str | None,
    typer.Option(
        "--data", help="Data file (CSV, JSON, Excel, Parquet) or folder of text files to use instead of the recipe's."
    ),
]
RunArgument = Annotated[
    str,
    typer.Argument(
        help="Name of a recipe or path to a .yaml file, to use its latest run; or a run folder.", metavar="RECIPE|RUN"
    ),
]
ModelArgument = Annotated[
    str,
    typer.Argument(
        help="A recipe with a finished run, a run folder, a model folder, or a model on the Hub (owner/name).",
        metavar="MODEL",
    ),
]
RunsDirOption = Annotated[Path, typer.Option(help="Folder in which runs are saved.", envvar="HF_NEWSCLS_RUNS")]
CardsDirOption = Annotated[Path | None, typer.Option(help="Folder for a copy of the model card.")]
PublicOption = Annotated[
    bool, typer.Option("--public", help="Let the repository be public; without this it must be private.")
]
RUNS = Path("runs")
_NAME = "hf-newscls"
# Control characters except tab and line feed, line separators, and marks of direction. Not all that Unicode calls
# unprintable: many languages need joiners.
_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def make_printable(text: str) -> str:
    r"""Escape a text: none of it is markup, and no character controls the terminal.

    >>> make_printable("red \x1b[31m, not [red]")
    'red \\x1b[31m, not \\[red]'
    """
    return escape(_STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text))


def name_program() -> str:
    """Return what to type to run this program again: its name, or its path if the name does not find it."""
    script = Path(sys.argv[0]).absolute()
    if script.parts[-2:] == ("hf_newscls", "__main__.py"):
        return f"{_name_executable(Path(sys.executable))} -m hf_newscls"
    has_folder = os.path.dirname(sys.argv[0]) != ""  # otherwise the shell found it by its name
    return _name_executable(script) if has_folder and script.stem == _NAME else _NAME


def _name_executable(path: Path) -> str:
    found = shutil.which(path.name)
    if found and Path(found).absolute().with_suffix("") == path.with_suffix(""):
        return path.name
    is_below = Path.cwd() in path.parents[1:]  # a path without a folder would be looked up as a name
    return shlex.quote(str(path.relative_to(Path.cwd()) if is_below else path))


def print_line(text: str) -> None:
    """Print a text as it is: no markup, no highlighting, no line breaks."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def print_pushed(pushed: "Pushed") -> None:
    """Print the address of a commit on the Hub, and that of the Space."""
    print_line(pushed.url if pushed.is_new else f"nothing new: {pushed.url}")
    if pushed.space is not None:
        print_pushed(pushed.space)
