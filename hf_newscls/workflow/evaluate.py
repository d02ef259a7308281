"""Evaluate a finished run again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hf_newscls.errors import RunError
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.runs.folder import RunFolder, find_run
from hf_newscls.storage import report_full_disk
from hf_newscls.workflow.prepare import prepare

if TYPE_CHECKING:
    from hf_newscls.data.preparation import PreparedData
    from hf_newscls.evaluation.report import EvaluationReport

__all__ = ["evaluate", "evaluate_run"]


def evaluate(
    name_or_path: str, *, runs_dir: Path, cards_dir: Path | None = None, compare_with: str | None = None
) -> tuple[RunFolder, EvaluationReport]:
    """Measure a finished run anew: predictions, metrics, figures and card.

    Args:
        name_or_path: a run folder, or a recipe with a finished run, by its name or its file.
        runs_dir: where run folders are kept.
        cards_dir: where a copy of the card goes, if anywhere.
        compare_with: recipe with a finished run, or a run folder, that the report shows side by side with this one, in
            place of the recipe that this one's names.

    Raises:
        RunError: there is no such run, its data file no longer gives the split it was trained on, or `compare_with` is
            no run on that split.
    """
    from hf_newscls.workflow.artifacts import write_card
    from hf_newscls.workflow.measurement import measure_run
    from hf_newscls.workflow.other_run import find_other_predictions, read_other_predictions

    run = find_run(name_or_path, runs_dir=runs_dir)
    recipe = run.read_recipe()
    prepared = prepare(recipe)
    expected = run.read_json(run.split)["fingerprint"]
    if prepared.manifest.fingerprint != expected:
        raise RunError(
            f"{run.path}: {recipe.data.source_text} must give the split with fingerprint {expected}, "
            f"got {prepared.manifest.fingerprint}; bring the file back, or train anew"
        )
    test = prepared.splits["test"]
    if compare_with is None:
        other = find_other_predictions(recipe.evaluation.compare_with, run, test=test, runs_dir=runs_dir)
    else:
        other = read_other_predictions(compare_with, run, test=test, runs_dir=runs_dir)
    is_unfinished = not run.is_complete  # what follows training had failed
    with report_full_disk(run.path):
        report = measure_run(run, recipe, prepared.splits, other=other)
        write_card(run, recipe, cards_dir=cards_dir)
    if is_unfinished:
        run.mark_latest()
    return run, report


def evaluate_run(
    run: RunFolder, recipe: Recipe, prepared: PreparedData, *, runs_dir: Path, cards_dir: Path | None
) -> EvaluationReport:
    """Evaluate a model that was just trained, write its card and mark the run as the latest."""
    from hf_newscls.workflow.artifacts import write_card
    from hf_newscls.workflow.measurement import measure_run
    from hf_newscls.workflow.other_run import find_other_predictions

    name, test = recipe.evaluation.compare_with, prepared.splits["test"]
    other = find_other_predictions(name, run, test=test, runs_dir=runs_dir)
    report = measure_run(run, recipe, prepared.splits, other=other)
    write_card(run, recipe, cards_dir=cards_dir)
    run.mark_latest()
    return report
