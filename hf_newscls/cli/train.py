"""The commands that train and evaluate."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hf_newscls.cli.tables import print_plan, print_report, print_seeds
from hf_newscls.cli.terminal import (
    RUNS,
    CardsDirOption,
    DataOption,
    OverridesArgument,
    RecipeArgument,
    RunArgument,
    RunsDirOption,
    print_line,
    quiet_transformers,
)
from hf_newscls.distributed import is_main_rank
from hf_newscls.errors import InputError, NewsclsError

if TYPE_CHECKING:
    from hf_newscls.recipe.recipe import Recipe
    from hf_newscls.workflow import Run


def train(
    recipe: RecipeArgument,
    overrides: OverridesArgument = None,
    data: DataOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check recipe, data and model, and show the plan; train nothing.")
    ] = False,
    no_resume: Annotated[
        bool, typer.Option("--no-resume", help="Start over instead of resuming an interrupted run.")
    ] = False,
    seeds: Annotated[
        int | None,
        typer.Option("--seeds", min=2, help="Train this many times: with the recipe's seed and the following ones."),
    ] = None,
    publish: Annotated[bool, typer.Option("--publish", help="Publish the model on the Hub after training.")] = False,
    runs_dir: RunsDirOption = RUNS,
    cards_dir: CardsDirOption = None,
) -> None:
    """Fine-tune and evaluate a model, and write its card and report. An interrupted run is resumed."""
    from hf_newscls import workflow

    quiet_transformers()
    resolved = workflow.load_recipe(recipe, data=data, overrides=overrides or [])
    publish = publish or resolved.hub.publish
    if dry_run:
        print_plan(workflow.plan(resolved, runs_dir=runs_dir))
    elif seeds is None:
        _train_once(resolved, publish=publish, resume=not no_resume, runs_dir=runs_dir, cards_dir=cards_dir)
    elif publish:
        raise InputError(
            f"--seeds {seeds} does not go with --publish or hub.publish; train first, then publish one run by its "
            "folder"
        )
    else:
        found = workflow.train_seeds(
            resolved, seeds=seeds, resume=not no_resume, runs_dir=runs_dir, cards_dir=cards_dir
        )
        if is_main_rank():
            print_seeds(found)


def _train_once(recipe: "Recipe", *, publish: bool, resume: bool, runs_dir: Path, cards_dir: Path | None) -> None:
    from hf_newscls import workflow

    publish = publish and is_main_rank()
    has_token = publish and workflow.check_publishing(recipe)
    run = workflow.train(recipe, resume=resume, runs_dir=runs_dir, cards_dir=cards_dir)
    if not is_main_rank():
        return
    print_report(run.report)
    name = recipe.name if runs_dir == RUNS else shlex.quote(str(run.path))
    print_line(
        f"report: {run.path / 'report.html'}\n"
        f"model:  {run.model_dir}\n"
        f"next:   hf-newscls predict {name} {shlex.quote(recipe.hub.example)}"
    )
    if publish:
        _publish(run, has_token=has_token)


def _publish(run: "Run", *, has_token: bool) -> None:
    """Publish the run; without a token, or if it fails, print the command that does it later."""
    from hf_newscls import workflow

    later = f"publish later with: hf-newscls publish {shlex.quote(str(run.path))}"
    if not has_token:
        print_line(later)
        return
    try:
        pushed = workflow.publish(run)
    except NewsclsError:
        print_line(later)
        raise
    print_line(f"published: {pushed.url}")


def evaluate(
    run: RunArgument,
    compare_with: Annotated[
        str | None,
        typer.Option(
            help="Another run on the same split to show side by side, by its recipe or its folder.",
            metavar="RECIPE|RUN",
            show_default="the recipe's",
        ),
    ] = None,
    runs_dir: RunsDirOption = RUNS,
    cards_dir: CardsDirOption = None,
) -> None:
    """Evaluate a finished run again: predictions, metrics, figures, report and card."""
    from hf_newscls import workflow

    quiet_transformers()
    evaluated = workflow.evaluate(run, compare_with=compare_with, runs_dir=runs_dir, cards_dir=cards_dir)
    print_report(evaluated.report)
    print_line(f"report: {evaluated.path / 'report.html'}")
