"""The commands for recipes and their data."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from hf_newscls.cli.tables import print_split
from hf_newscls.cli.terminal import (
    DataOption,
    OverridesArgument,
    RecipeArgument,
    console,
    make_printable,
    quiet_transformers,
)
from hf_newscls.errors import InputError

__all__ = ["overview", "prepare", "recipes", "show"]

_OVERVIEWS = Path("overview")


def recipes() -> None:
    """List the recipes that come with the package."""
    from hf_newscls.recipe.loading import find_recipes, read_purpose

    table = Table("recipe", "purpose", box=None, header_style="bold")
    for name, path in find_recipes().items():
        table.add_row(name, make_printable(read_purpose(path)))
    console.print(table)


def show(recipe: RecipeArgument, overrides: OverridesArgument = None, data: DataOption = None) -> None:
    """Print a recipe as it is resolved: parents, overrides and defaults."""
    from hf_newscls.recipe.loading import read_recipe
    from hf_newscls.recipe.serialization import recipe_to_yaml

    console.print(
        recipe_to_yaml(read_recipe(recipe, overrides or [], source=data)), markup=False, highlight=False, soft_wrap=True
    )


def overview(
    recipe: RecipeArgument,
    overrides: OverridesArgument = None,
    data: DataOption = None,
    output: Annotated[Path | None, typer.Option(help="Folder to write; overview/RECIPE's name if not given.")] = None,
) -> None:
    """Say what is in a recipe's data file before anything is trained: a page with figures, JSON and lists of rows."""
    from hf_newscls import workflow
    from hf_newscls.cli.overview_tables import build_tables
    from hf_newscls.recipe.loading import read_recipe

    quiet_transformers()
    resolved = read_recipe(recipe, overrides or [], source=data)
    folder = output or _OVERVIEWS / resolved.name
    console.print(*build_tables(workflow.overview(resolved, folder)), sep="\n")
    console.print(f"page: {folder / 'overview.md'}", markup=False, soft_wrap=True)


def prepare(
    recipe: RecipeArgument,
    overrides: OverridesArgument = None,
    data: DataOption = None,
    output: Annotated[Path | None, typer.Option(help="Folder to save the DatasetDict and split.json in.")] = None,
    publish: Annotated[
        str | None, typer.Option(help="Send it to this dataset on the Hub, with a card.", metavar="OWNER/NAME")
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="Push to a public dataset; it is private otherwise.")
    ] = False,
) -> None:
    """Read, clean and split a recipe's data file, and show what came of it."""
    from hf_newscls import workflow
    from hf_newscls.recipe.loading import read_recipe

    if public and publish is None:
        raise InputError("--public: must go with --publish, got no --publish; add `--publish OWNER/NAME`")
    resolved = read_recipe(recipe, overrides or [], source=data)
    prepared = workflow.prepare(resolved)
    print_split(prepared)
    if output is not None:
        workflow.save_prepared(prepared, output)
        console.print(f"saved in {output}", markup=False, soft_wrap=True)
    if publish is not None:
        console.print(workflow.push_prepared(prepared, resolved, repo_id=publish, private=not public), soft_wrap=True)
