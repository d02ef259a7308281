"""The commands that train nothing: recipes, show, overview, prepare, doctor."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from hf_newscls import workflow
from hf_newscls.cli.display.tables import print_overview, print_split
from hf_newscls.cli.display.terminal import (
    DataOption,
    OverridesArgument,
    PublicOption,
    RecipeArgument,
    console,
    make_printable,
    print_line,
    print_pushed,
)
from hf_newscls.errors import InputError
from hf_newscls.recipe.lookup import find_recipes, read_purpose
from hf_newscls.recipe.serialization import recipe_to_yaml


def recipes() -> None:
    """List the recipes that come with the package."""
    table = Table("recipe", "purpose", box=None, header_style="bold")
    for name, path in find_recipes().items():
        table.add_row(name, make_printable(read_purpose(path)))
    console.print(table)


def show(recipe: RecipeArgument, overrides: OverridesArgument = None, data: DataOption = None) -> None:
    """Print all values of a recipe, also the defaults and those that it inherits from another recipe."""
    print_line(recipe_to_yaml(workflow.load_recipe(recipe, data=data, overrides=overrides or [])))


def overview(
    recipe: RecipeArgument,
    overrides: OverridesArgument = None,
    data: DataOption = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for the page, its figures and lists of rows.", show_default="overview/RECIPE"),
    ] = None,
) -> None:
    """Summarize a news file before training, as a page with figures: labels, lengths, duplicates, wrong labels."""
    resolved = workflow.load_recipe(recipe, data=data, overrides=overrides or [])
    folder = output or Path("overview") / resolved.name
    print_overview(workflow.overview(resolved, folder))
    print_line(f"page: {folder / 'overview.md'}")


def prepare(
    recipe: RecipeArgument,
    overrides: OverridesArgument = None,
    data: DataOption = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder for the prepared rows (a DatasetDict) and split.json.")
    ] = None,
    publish: Annotated[
        str | None,
        typer.Option(
            help="Push the prepared rows, with a card, to this dataset repository on the Hub.", metavar="OWNER/NAME"
        ),
    ] = None,
    public: PublicOption = False,
) -> None:
    """Clean a news file, split it into train, validation and test, and show the number of rows of each label."""
    if public and publish is None:
        raise InputError("--public has no effect without --publish; add `--publish OWNER/NAME`")
    resolved = workflow.load_recipe(recipe, data=data, overrides=overrides or [])
    prepared = workflow.prepare(resolved, output=output)
    print_split(prepared)
    if output is not None:
        print_line(f"saved in {output}")
    if publish is not None:
        print_pushed(workflow.publish_prepared(prepared, resolved, repo_id=publish, private=not public))


def doctor() -> None:
    """Show versions, device, free disk space and whether tokens exist; add this to a bug report."""
    table = Table("what", "found", box=None, header_style="bold")
    for what, found in workflow.inspect_machine().items():
        table.add_row(what, make_printable(found))
    console.print(table)
