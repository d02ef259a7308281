"""The command that searches for better values of a recipe."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from hf_newscls import workflow
from hf_newscls.cli.display.terminal import (
    RUNS,
    DataOption,
    OverridesArgument,
    RecipeArgument,
    RunsDirOption,
    console,
    make_printable,
    name_program,
    print_line,
)
from hf_newscls.errors import count_noun
from hf_newscls.evaluation.metric_names import phrase_metric

if TYPE_CHECKING:
    from hf_newscls.workflow import Tuning


def tune(
    recipe: RecipeArgument,
    overrides: OverridesArgument = None,
    data: DataOption = None,
    trials: Annotated[int, typer.Option(min=1, help="Number of trials of the whole search.")] = 30,
    hours: Annotated[float | None, typer.Option(min=0, help="Start no trial after this many hours.")] = None,
    space: Annotated[
        Path | None,
        typer.Option(help="YAML file with the search space.", show_default="`tune` of the recipe, or a default space"),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(
            help="Journal file or database URL of Optuna, for several processes or hosts.",
            show_default="RUNS/RECIPE/tune/journal.log",
        ),
    ] = None,
    launcher: Annotated[
        str | None,
        typer.Option(
            help="Command that trains a trial, for example 'accelerate launch --num_processes 2'.",
            show_default="python",
        ),
    ] = None,
    train_rows: Annotated[
        int | None,
        typer.Option(
            min=1, help="Training rows of each trial; the best recipe is trained with all.", show_default="all"
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds to train the best recipe with.")] = 3,
    runs_dir: RunsDirOption = RUNS,
) -> None:
    """Search for better values of a recipe on validation rows, train the best, and evaluate it once on the test set.

    The same command continues an interrupted search; run it several times to search with several processes.
    """
    found = workflow.tune(
        recipe,
        data=data,
        overrides=overrides or [],
        trials=trials,
        hours=hours,
        space=space,
        storage=storage,
        launcher=shlex.split(launcher) if launcher else [sys.executable],
        train_rows=train_rows,
        seeds=seeds,
        runs_dir=runs_dir,
    )
    _print_tuning(found)


def _print_tuning(found: "Tuning") -> None:
    best = found.result.best
    title = f"best of {count_noun(len(found.result.trials), 'trial')}: trial {best.number}"
    table = Table("key", Column("value", overflow="fold"), title=title)
    for key, value in best.flat_values.items():
        table.add_row(make_printable(key), make_printable("null" if value is None else f"{value}"))
    console.print(table)
    print_line(f"validation {phrase_metric(found.result.metric)}: {best.score:.4f}")
    for run in found.runs:
        scores = run.report.test.scores
        print_line(f"seed {run.recipe.seed}: test accuracy {scores['accuracy']:.4f}, macro F1 {scores['f1_macro']:.4f}")
    if not found.runs:
        print_line("other processes still train; the last one trains the best recipe")
    path = shlex.quote(str(found.recipe_path))
    following = f"train {path}"
    if found.runs:
        run = found.runs[0]
        following = f"predict {shlex.quote(str(run.path))} {shlex.quote(run.recipe.hub.example)}"
    print_line(f"report: {found.path / 'report.html'}\nrecipe: {path}\nnext:   {name_program()} {following}")
