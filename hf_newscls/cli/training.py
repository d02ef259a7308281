"""The commands that train and measure."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from hf_newscls.cli.tables import print_plan, print_report
from hf_newscls.cli.terminal import (
    RUNS,
    CardsDirOption,
    DataOption,
    OverridesArgument,
    RecipeArgument,
    RunArgument,
    RunsDirOption,
    output,
    quiet_transformers,
)
from hf_newscls.processes import is_main_rank

__all__ = ["evaluate", "train"]


def train(
    recipe: RecipeArgument,
    overrides: OverridesArgument = None,
    data: DataOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check recipe, data and model; train nothing.")] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew even where a run of the recipe was interrupted.")
    ] = False,
    runs_dir: RunsDirOption = RUNS,
    cards_dir: CardsDirOption = None,
) -> None:
    """Fine-tune a model as the recipe says, measure it, and write its card; an interrupted run goes on."""
    from hf_newscls import workflow
    from hf_newscls.recipe_io import read_recipe

    quiet_transformers()
    resolved = read_recipe(recipe, overrides or [], source=data)
    if dry_run:
        print_plan(workflow.plan(resolved))
        return
    run, report = workflow.train(resolved, runs_dir=runs_dir, cards_dir=cards_dir, is_fresh=fresh)
    if not is_main_rank():
        return
    print_report(report)
    output.print(
        f"model: {run.model}\nnext:  hf-newscls predict {resolved.name} {shlex.quote(resolved.hub.example)}",
        soft_wrap=True,
    )


def evaluate(run: RunArgument, runs_dir: RunsDirOption = RUNS, cards_dir: CardsDirOption = None) -> None:
    """Measure a finished run anew: predictions, metrics, figures and card."""
    from hf_newscls import workflow

    quiet_transformers()
    folder, report = workflow.evaluate(run, runs_dir=runs_dir, cards_dir=cards_dir)
    print_report(report)
    output.print(f"run: {folder.path}", soft_wrap=True)
