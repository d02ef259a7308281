"""The commands for recipes and their data: recipes, show, overview, prepare."""

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
    print_line,
    quiet_transformers,
)
from hf_newscls.errors import InputError


def recipes() -> None:
    """List the recipes that come with the package."""
    from hf_newscls.recipe.loading import find_recipes, read_purpose

    table = Table("recipe", "purpose", box=None, header_style="bold")
    for name, path in find_recipes().items():
        table.add_row(name, make_printable(read_purpose(path)))
    console.print(table)


def show(recipe: RecipeArgument, overrides: OverridesArgument = None, data: DataOption = None) -> None:
    """Print a recipe with inherited values, overrides and defaults."""
    from hf_newscls import workflow
    from hf_newscls.recipe.serialization import recipe_to_yaml

    print_line(recipe_to_yaml(workflow.load_recipe(recipe, data=data, overrides=overrides or [])))


def overview(
    recipe: RecipeArgument,
    overrides: OverridesArgument = None,
    data: DataOption = None,
    output: Annotated[Path | None, typer.Option(help="Folder to write.", show_default="overview/RECIPE")] = None,
) -> None:
    """Summarize a news file before training: labels, lengths, duplicates, suspicious labels; as a page with figures."""
    from hf_newscls import workflow
    from hf_newscls.cli.overview_tables import build_tables

    quiet_transformers()
    resolved = workflow.load_recipe(recipe, data=data, overrides=overrides or [])
    folder = output or Path("overview") / resolved.name
    console.print(*build_tables(workflow.overview(resolved, folder)), sep="\n")
    print_line(f"page: {folder / 'overview.md'}")


def prepare(
    recipe: RecipeArgument,
    overrides: OverridesArgument = None,
    data: DataOption = None,
    output: Annotated[Path | None, typer.Option(help="Folder to save the DatasetDict and split.json in.")] = None,
    publish: Annotated[
        str | None, typer.Option(help="Push the rows to this dataset on the Hub, with a card.", metavar="OWNER/NAME")
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="Allow the dataset on the Hub to be public.")] = False,
) -> None:
    """Clean and split a news file, and show the number of rows by label and split."""
    from hf_newscls import workflow

    if public and publish is None:
        raise InputError("--public has no effect without --publish; add `--publish OWNER/NAME`")
    resolved = workflow.load_recipe(recipe, data=data, overrides=overrides or [])
    prepared = workflow.prepare(resolved, output=output)
    print_split(prepared)
    if output is not None:
        print_line(f"saved in {output}")
    if publish is not None:
        print_line(workflow.publish_prepared(prepared, resolved, repo_id=publish, private=not public).url)
