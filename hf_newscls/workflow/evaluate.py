"""Evaluate a trained run: predictions, metrics, figures, report and card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hf_newscls.errors import RunError
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.runs.folder import RunFolder
from hf_newscls.storage import report_full_disk
from hf_newscls.workflow.prepare import prepare
from hf_newscls.workflow.run import Run, find_folder

if TYPE_CHECKING:
    from hf_newscls.data.preparation import PreparedData


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
    """
    folder = find_folder(run, runs_dir=runs_dir)
    recipe = folder.read_recipe()
    prepared = prepare(recipe)
    fingerprint = folder.read_json(folder.split)["fingerprint"]
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

    Args:
        folder: of a trained run.
        recipe: of the run.
        prepared: the rows it was trained on.
        compare_with: as for `evaluate`, but no `Run`. A run that only the recipe names may be missing.
        runs_dir: where the run folders are.
        cards_dir: folder for a copy of the model card, if any.
    """
    from hf_newscls.workflow.artifacts import write_card
    from hf_newscls.workflow.evaluation_step import run_evaluation
    from hf_newscls.workflow.other_run import find_other_predictions, read_other_predictions

    test = prepared.splits["test"]
    if compare_with is None:
        other = find_other_predictions(recipe.evaluation.compare_with, folder, test=test, runs_dir=runs_dir)
    else:
        other = read_other_predictions(compare_with, folder, test=test, runs_dir=runs_dir)
    was_complete = folder.is_complete
    with report_full_disk(folder.path):
        report = run_evaluation(folder, recipe, prepared.splits, other=other)
        write_card(folder, recipe, cards_dir=cards_dir)
    if not was_complete:
        folder.mark_latest()
    return Run(folder.path, recipe, report)
