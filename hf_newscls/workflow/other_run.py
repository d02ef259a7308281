"""What the model of another run said of the same test rows."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset

from hf_newscls.data.manifest import hash_row
from hf_newscls.errors import NewsclsError, RecipeError, RunError
from hf_newscls.evaluation.baselines.side_by_side import OtherPredictions
from hf_newscls.recipe.diff import find_changes
from hf_newscls.report.predictions import hash_predictions
from hf_newscls.runs.folder import RunFolder, find_run

__all__ = ["check_other_run", "find_other_predictions", "read_other_predictions"]

# The rows are the same, by the fingerprint of their split; its seed is that of the training where none is set there.
_NOT_OF_THE_TRAINING = {"name", "data", "evaluation", "hub"}

logger = logging.getLogger(__name__)


def check_other_run(recipe_name: str | None, *, fingerprint: str, runs_dir: Path) -> None:
    """Warn before training where the run to stand beside is missing or has another split: it may be trained meanwhile.

    Args:
        recipe_name: of the other recipe; None names none.
        fingerprint: of the split that is trained on.
        runs_dir: where run folders are kept.
    """
    if recipe_name is None:
        return
    try:
        _find_on_split(recipe_name, fingerprint, runs_dir=runs_dir)
    except NewsclsError as error:
        logger.warning("`evaluation.compare_with`: nothing would stand beside this run in its report: %s", error)


def find_other_predictions(
    recipe_name: str | None, run: RunFolder, *, test: Dataset, runs_dir: Path
) -> OtherPredictions | None:
    """Return what `read_other_predictions` does; None, and a warning, where that run is missing or answered other rows.

    A training of hours is not to fail for want of another one.
    """
    if recipe_name is None:
        return None
    try:
        return read_other_predictions(recipe_name, run, test=test, runs_dir=runs_dir)
    except NewsclsError as error:
        logger.warning("nothing stands beside this run in its report: %s", error)
        return None


def read_other_predictions(name_or_path: str, run: RunFolder, *, test: Dataset, runs_dir: Path) -> OtherPredictions:
    """Return what another run's model said of the test rows of a run.

    Args:
        name_or_path: a run folder, or a recipe, by its name or its file, whose latest run is taken.
        run: the run that it is to stand beside.
        test: the test rows of that run.
        runs_dir: where run folders are kept.

    Raises:
        RunError: there is no such run, it is the run itself, or it was measured on other rows or labels.
        DataError: its predictions cannot be read.
    """
    other = _find_on_split(name_or_path, run.read_json(run.split)["fingerprint"], runs_dir=runs_dir)
    if other.path == run.path.resolve():
        raise RunError(f"{name_or_path}: must be another run than {run.path}, found the same; name another")
    predictions, names = hash_predictions(other.predictions), test.features["label"].names
    hashes = [hash_row(text, names[label]) for text, label in zip(test["text"], test["label"], strict=True)]
    if sorted(hashes) != [*predictions.rows] or {*names} != {*predictions.label_names}:
        raise RunError(
            f"{other.predictions}: must answer the test rows of {run.path} with the same labels, found others; "
            "evaluate that run again"
        )
    columns = [predictions.label_names.index(name) for name in names]
    probabilities = np.empty_like(predictions.probabilities)
    # They stand in the order of the hashes; equal rows have equal answers.
    probabilities[np.argsort(hashes, kind="stable")] = predictions.probabilities[:, columns]
    logger.info("compared with %s", other.path)
    recipe_name, differences = _compare_recipes(run, other)
    return OtherPredictions(recipe_name, other.path.name, differences, probabilities)


def _compare_recipes(run: RunFolder, other: RunFolder) -> tuple[str, dict[str, tuple[Any, Any]]]:
    """Return the name of the other one's recipe, and where it differs from the run's: its value and the other's."""
    try:
        ours, theirs = run.read_recipe(), other.read_recipe()
    except RecipeError as error:  # of another version
        logger.warning("in which keys the two recipes differ cannot be told: %s", error)
        return other.path.parent.name, {}
    changes = find_changes(ours, theirs, exclude=_NOT_OF_THE_TRAINING)
    return theirs.name, {change.key: (change.before, change.now) for change in changes}


def _find_on_split(name_or_path: str, fingerprint: str, *, runs_dir: Path) -> RunFolder:
    run = find_run(name_or_path, runs_dir=runs_dir)
    found = run.read_json(run.split)["fingerprint"]
    if found != fingerprint:
        raise RunError(
            f"{run.path}: must have the split with fingerprint {fingerprint[:12]} to stand beside, got {found[:12]}; "
            "train it with the same data and the same split"
        )
    return run
