"""The commands that train, evaluate and publish."""

import logging
import shlex
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hf_newscls import workflow
from hf_newscls.cli.display.summary import collect_warnings, print_summary
from hf_newscls.cli.display.tables import print_other_data, print_plan, print_report, print_seeds
from hf_newscls.cli.display.terminal import (
    RUNS,
    CardsDirOption,
    DataOption,
    OverridesArgument,
    RecipeArgument,
    RunArgument,
    RunsDirOption,
    name_program,
    print_line,
    print_pushed,
)
from hf_newscls.cli.jobs import print_job_run, show_line, show_offer
from hf_newscls.distributed import is_main_rank
from hf_newscls.errors import InputError, NewsclsError, format_duration

if TYPE_CHECKING:
    from hf_newscls.recipe.recipe import Recipe
    from hf_newscls.workflow import Run

logger = logging.getLogger(__name__)


def train(
    recipe: RecipeArgument,
    overrides: OverridesArgument = None,
    data: DataOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check recipe, data and model, print the plan, and stop.")
    ] = False,
    no_resume: Annotated[
        bool, typer.Option("--no-resume", help="Start a new run, even if the last one was interrupted.")
    ] = False,
    seeds: Annotated[
        int | None,
        typer.Option(
            "--seeds", min=2, help="Train N models, with the recipe's seed and the N-1 seeds after it.", metavar="N"
        ),
    ] = None,
    publish: Annotated[
        bool, typer.Option("--publish", help="Publish the model on the Hub after the evaluation.")
    ] = False,
    on: Annotated[
        str | None,
        typer.Option(
            "--on", help="Train on this hardware of the Hub, for example l4x1; it costs money.", metavar="FLAVOR"
        ),
    ] = None,
    timeout: Annotated[
        str,
        typer.Option(help="With --on: time after which the Hub stops the job, for example 45m or 2h.", metavar="TIME"),
    ] = "2h",
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            "-y",
            help="Do not ask before a job that costs money, hours of training on a CPU, or replacing a better model.",
        ),
    ] = False,
    runs_dir: RunsDirOption = RUNS,
    cards_dir: CardsDirOption = None,
) -> None:
    """Train and evaluate a model, and write report and model card.

    If the last run was interrupted, it is resumed; --no-resume starts again.

    With --on, it trains on the Hub, and the finished run is fetched.
    """
    resolved = workflow.load_recipe(recipe, data=data, overrides=overrides or [])
    publish = publish or resolved.hub.publish
    options: dict[str, Any] = {"resume": not no_resume, "runs_dir": runs_dir, "cards_dir": cards_dir}
    if on is not None:
        if dry_run or seeds is not None:
            raise InputError("--on does not go with --dry-run and --seeds; leave them out")
        _train_on(resolved, on, {**options, "timeout": timeout}, publish=publish, yes=yes)
        return
    options["on_plan"] = partial(_confirm, asks=not yes and sys.stdin.isatty())
    if dry_run:
        print_plan(workflow.plan(resolved, runs_dir=runs_dir))
        print_line("checked; to train, run this command without --dry-run")
    elif seeds is None:
        _train_once(resolved, options, publish=publish, yes=yes)
    elif publish:
        raise InputError(
            f"--seeds {seeds} does not go with --publish or hub.publish; train first, then publish one run by its "
            "folder"
        )
    else:
        trained = workflow.train_seeds(resolved, seeds=seeds, **options)
        if is_main_rank():
            print_seeds(trained)


def _train_on(recipe: "Recipe", flavor: str, options: Mapping[str, Any], *, publish: bool, yes: bool) -> None:
    on_offer = partial(show_offer, asks=not yes)
    found = workflow.train_on(recipe, flavor, publish=publish, on_offer=on_offer, show=show_line, **options)
    print_job_run(found)
    if publish and found.url is None:  # the job could not, or an earlier job of the same training was not asked to
        _publish(found.run, has_token=True, yes=yes)


def _confirm(plan: workflow.Plan, *, asks: bool) -> None:
    if asks and plan.seconds is not None and plan.is_long:
        typer.confirm(f"Train for about {format_duration(plan.seconds)} on this CPU?", abort=True, err=True)


def _choose_on_replace(*, yes: bool) -> Callable[[str], None] | None:
    """Return what to do before a model on the Hub is replaced that should perhaps stay; None to refuse."""
    if yes:
        return lambda objection: logger.warning("%s", objection)
    return _ask_to_replace if sys.stdin.isatty() else None


def _ask_to_replace(objection: str) -> None:
    typer.confirm(f"{objection}. Replace it?", abort=True, err=True)


def _train_once(recipe: "Recipe", options: Mapping[str, Any], *, publish: bool, yes: bool) -> None:
    publish = publish and is_main_rank()
    has_token = publish and workflow.check_publishing(recipe)
    with collect_warnings() as warnings:
        run = workflow.train(recipe, **options)
    if not is_main_rank():
        return
    print_report(run.report)
    print_summary(run.report, warnings, path=run.path)
    name = recipe.name if options["runs_dir"] == RUNS else shlex.quote(str(run.path))
    print_line(
        f"open:   {name_program()} open {name}\n"
        f"model:  {run.model_dir}\n"
        f"next:   {name_program()} predict {name} {shlex.quote(recipe.hub.example)}"
    )
    if publish:
        _publish(run, has_token=has_token, yes=yes)


def _publish(run: "Run", *, has_token: bool, yes: bool) -> None:
    """Publish the run; without a token, or if it fails, print the command that does it later."""
    later = f"publish later with: {name_program()} publish {shlex.quote(str(run.path))}"
    if not has_token:
        print_line(later)
        return
    try:
        pushed = workflow.publish(run, on_replace=_choose_on_replace(yes=yes))
    except (NewsclsError, typer.Abort):
        print_line(later)
        raise
    print_line(f"published: {pushed.url}")


def evaluate(
    run: RunArgument,
    compare_with: Annotated[
        str | None,
        typer.Option(
            help="Another run on the same split, to show next to this one in the report.",
            metavar="RECIPE|RUN",
            show_default="as in the recipe",
        ),
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(
            help="Evaluate on this recipe's test set, or on this labeled file; the model can be a folder or a Hub id.",
            metavar="RECIPE|FILE",
        ),
    ] = None,
    data: Annotated[str | None, typer.Option("--data", help="Data file of the recipe that --on names.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder for the results of --on.", show_default="on/NAME in the run folder")
    ] = None,
    runs_dir: RunsDirOption = RUNS,
    cards_dir: CardsDirOption = None,
) -> None:
    """Evaluate a trained model again, and write predictions, metrics, figures, report and model card.

    With --on, evaluate it on other data than its own test set.
    """
    if on is not None:
        if compare_with is not None or cards_dir is not None:
            raise InputError("--on does not go with --compare-with and --cards-dir; leave them out")
        measured = workflow.evaluate_on(run, on, data=data, output=output, runs_dir=runs_dir)
        print_other_data(measured.report)
        print_line(f"report: {measured.path / 'report.html'}")
        return
    if data is not None or output is not None:
        raise InputError("--data and --output are for --on; leave them out, or name the data with --on")
    with collect_warnings() as warnings:
        evaluated = workflow.evaluate(run, compare_with=compare_with, runs_dir=runs_dir, cards_dir=cards_dir)
    print_report(evaluated.report)
    print_summary(evaluated.report, warnings, path=evaluated.path)


def publish(
    run: RunArgument,
    repo_id: Annotated[
        str | None, typer.Option(help="Repository on the Hub.", metavar="OWNER/NAME", show_default="as in the recipe")
    ] = None,
    public: Annotated[
        bool | None,
        typer.Option(
            "--public/--private",
            help="Let the repository be public, or require a private one.",
            show_default="as in the recipe",
        ),
    ] = None,
    revision: Annotated[str, typer.Option(help="Branch to push to; created if missing.")] = "main",
    pr: Annotated[bool, typer.Option("--pr", help="Open a pull request, or update the open one.")] = False,
    tag: Annotated[str | None, typer.Option(help="Tag for the commit, for example v1.0.")] = None,
    replace_card: Annotated[
        bool, typer.Option("--replace-card", help="Replace the card on the Hub even if hf-newscls did not write it.")
    ] = False,
    yes: Annotated[
        bool,
        typer.Option("--yes", "-y", help="Replace a model on the Hub without asking, even a better one."),
    ] = False,
    onnx: Annotated[bool, typer.Option("--onnx", help="Push the ONNX files of `hf-newscls export` too.")] = False,
    space: Annotated[
        bool, typer.Option("--space", help="Also push a page on which anyone can try the model, to a Space.")
    ] = False,
    runs_dir: RunsDirOption = RUNS,
) -> None:
    """Push the model of a finished run, with its card, to the Hub in one commit. The model is checked first."""
    pushed = workflow.publish(
        run,
        repo_id=repo_id,
        private=None if public is None else not public,
        revision=revision,
        create_pr=pr,
        tag=tag,
        replace_card=replace_card,
        on_replace=_choose_on_replace(yes=yes),
        onnx=onnx,
        space=space,
        runs_dir=runs_dir,
    )
    print_pushed(pushed)
