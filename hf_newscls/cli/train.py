"""The commands that train and measure."""

import shlex
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
    console,
    quiet_transformers,
)
from hf_newscls.distributed import is_main_rank
from hf_newscls.errors import InputError, NewsclsError

if TYPE_CHECKING:
    from hf_newscls.runs.folder import RunFolder

__all__ = ["evaluate", "train"]


def train(
    recipe: RecipeArgument,
    overrides: OverridesArgument = None,
    data: DataOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check recipe, data and model; train nothing.")] = False,
    no_resume: Annotated[
        bool, typer.Option("--no-resume", help="Start a new run even if an earlier one was interrupted.")
    ] = False,
    seeds: Annotated[
        int | None,
        typer.Option("--seeds", min=2, help="Train so many times, with the recipe's seed and those that follow it."),
    ] = None,
    publish: Annotated[bool, typer.Option("--publish", help="Publish the model to the Hub at the end.")] = False,
    runs_dir: RunsDirOption = RUNS,
    cards_dir: CardsDirOption = None,
) -> None:
    """Fine-tune a model as the recipe says, measure it, and write its card; an interrupted run goes on."""
    from hf_newscls import workflow
    from hf_newscls.recipe.loading import read_recipe

    quiet_transformers()
    resolved = read_recipe(recipe, overrides or [], source=data)
    if dry_run:
        print_plan(workflow.plan(resolved, runs_dir=runs_dir))
        return
    if seeds is not None and (publish or resolved.hub.publish):
        raise InputError(
            f"--seeds: must go without --publish and `hub.publish`, got {seeds} seeds to publish; train them, then "
            "publish one by its run folder"
        )
    if seeds is not None:
        found = workflow.train_seeds(resolved, seeds=seeds, runs_dir=runs_dir, cards_dir=cards_dir, no_resume=no_resume)
        if is_main_rank():
            print_seeds(found)
        return
    is_published = (publish or resolved.hub.publish) and is_main_rank()
    has_token = is_published and workflow.check_publishing(resolved)
    run, report = workflow.train(resolved, runs_dir=runs_dir, cards_dir=cards_dir, no_resume=no_resume)
    if not is_main_rank():
        return
    print_report(report)
    trained = resolved.name if runs_dir == RUNS else shlex.quote(str(run.path))
    console.print(
        f"model: {run.model}\nnext:  hf-newscls predict {trained} {shlex.quote(resolved.hub.example)}",
        markup=False,
        soft_wrap=True,
    )
    if is_published:
        _publish(run, has_token=has_token)


def _publish(run: "RunFolder", *, has_token: bool) -> None:
    """Publish what was trained; whatever happens, the run is there and the command that publishes it is said."""
    from hf_newscls import workflow

    later = f"publish later with: {workflow.name_publish_command(run)}"
    if not has_token:
        console.print(later, markup=False, soft_wrap=True)
        return
    try:
        pushed = workflow.publish(str(run.path), runs_dir=run.path.parent.parent)
    except NewsclsError:
        console.print(later, markup=False, soft_wrap=True)
        raise
    console.print(f"published: {pushed.url}", soft_wrap=True)


def evaluate(
    run: RunArgument,
    compare_with: Annotated[
        str | None,
        typer.Option(
            help="Recipe with a finished run on the same split, by its name or its file, or a run folder, to show side "
            "by side with this one. Unset: the recipe's `evaluation.compare_with`."
        ),
    ] = None,
    runs_dir: RunsDirOption = RUNS,
    cards_dir: CardsDirOption = None,
) -> None:
    """Measure a finished run anew: predictions, metrics, figures and card."""
    from hf_newscls import workflow

    quiet_transformers()
    folder, report = workflow.evaluate(run, runs_dir=runs_dir, cards_dir=cards_dir, compare_with=compare_with)
    print_report(report)
    console.print(f"run: {folder.path}", markup=False, soft_wrap=True)
