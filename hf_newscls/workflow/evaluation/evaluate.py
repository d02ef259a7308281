"""Evaluate a trained run."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from hf_newscls.errors import NewsclsError, RunError
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.runs.folder import RunFolder
from hf_newscls.storage import check_folder, report_disk_errors
from hf_newscls.workflow.prepare import prepare
from hf_newscls.workflow.quiet import quiet_libraries
from hf_newscls.workflow.run import Run, find_folder

if TYPE_CHECKING:
    from hf_newscls.data.prepared.splits import PreparedData

logger = logging.getLogger(__name__)


@quiet_libraries()
def evaluate(
    run: Run | str | Path,
    *,
    compare_with: Run | str | Path | None = None,
    runs_dir: str | Path = "runs",
    cards_dir: str | Path | None = None,
) -> Run:
    """Evaluate a trained run again.

    Args:
        run: a run, a run folder, or the name or path of a recipe, for its latest run.
        compare_with: another run to show side by side in the report, given like `run`; by default the recipe's
            `evaluation.compare_with`.
        runs_dir: where the run folders are.
        cards_dir: folder for a copy of the model card.

    Raises:
        RunError: there is no such run, its data file has changed, or `compare_with` names no run on the same split.
        StorageError: the run folder is read-only, or the disk is full.
    """
    folder = find_folder(run, runs_dir=runs_dir)
    check_folder(folder.path)
    recipe = folder.read_recipe()
    prepared = prepare(recipe)
    fingerprint = folder.read_fingerprint()
    if prepared.manifest.fingerprint != fingerprint:
        raise RunError(
            f"{folder.path}: trained on the split {fingerprint}, but {recipe.data.source_text} now gives the split "
            f"{prepared.manifest.fingerprint}; restore the file, or train again"
        )
    return evaluate_folder(
        folder,
        recipe,
        prepared,
        compare_with=compare_with.path if isinstance(compare_with, Run) else compare_with,
        runs_dir=Path(runs_dir),
        cards_dir=None if cards_dir is None else Path(cards_dir),
    )


def evaluate_folder(
    folder: RunFolder,
    recipe: Recipe,
    prepared: PreparedData,
    *,
    compare_with: str | Path | None = None,
    runs_dir: Path,
    cards_dir: Path | None,
) -> Run:
    """Evaluate the model of a run folder, write its card, and mark a run that is complete now as the latest.

    A problem with the run or the data that only the recipe names is a warning: it must not cost hours of training.
    """
    from hf_newscls.workflow.cards import write_card
    from hf_newscls.workflow.evaluation.other_run import read_other_predictions
    from hf_newscls.workflow.evaluation.step import measure_run, write_results

    named = recipe.evaluation.compare_with if compare_with is None else compare_with
    other, test = None, prepared.splits["test"]
    try:
        other = None if named is None else read_other_predictions(named, folder, test=test, runs_dir=runs_dir)
    except NewsclsError as error:
        if compare_with is not None:
            raise
        logger.warning("the report does not compare this run with `evaluation.compare_with`: %s", error)
    was_complete = folder.is_complete
    with report_disk_errors(folder.path):
        measured = measure_run(folder, recipe, prepared.splits, other=other)
        # Their pages show the model's own scores, and the run's report and card show theirs.
        _evaluate_on_others(folder, recipe)
        write_results(folder, measured)
        write_card(folder, recipe, cards_dir=cards_dir)
    if not was_complete:
        folder.mark_latest()
    return Run(folder.path, recipe, measured.report)


def _evaluate_on_others(folder: RunFolder, recipe: Recipe) -> None:
    """Evaluate on the data of `evaluation.on`; what is wrong with it is a warning, because the training is done."""
    from hf_newscls.workflow.evaluation.other_data import evaluate_on

    for name, on in recipe.evaluation.on.items():
        try:
            evaluate_on(folder.path, on, name=name)
        except NewsclsError as error:
            logger.warning("the model is not evaluated on `evaluation.on.%s`: %s", name, error)
