"""Predictions of another run for the same test rows, to show two models side by side."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset

from hf_newscls.data.manifest import hash_row
from hf_newscls.errors import NewsclsError, RecipeError, RunError
from hf_newscls.evaluation.baselines.side_by_side import OtherPredictions
from hf_newscls.report.predictions import hash_predictions
from hf_newscls.runs.folder import RunFolder, find_run
from hf_newscls.runs.recipe_diff import NOT_OF_THE_TRAINING, find_changes

logger = logging.getLogger(__name__)


def check_other_run(recipe_name: str | None, *, fingerprint: str, runs_dir: Path) -> None:
    """Warn before training if the other run is missing or has another split; it may be trained in the meantime."""
    if recipe_name is not None:
        try:
            _find_on_split(recipe_name, fingerprint, runs_dir=runs_dir)
        except NewsclsError as error:
            logger.warning("the report will not compare this run with `evaluation.compare_with`: %s", error)


def read_other_predictions(
    name_or_path: str | Path, run: RunFolder, *, test: Dataset, runs_dir: Path
) -> OtherPredictions:
    """Return another run's predictions for the test rows of a run.

    Args:
        name_or_path: a run folder, or the name or file of a recipe, for its latest run.
        test: test rows of `run`.

    Raises:
        RunError: the other run does not exist, is `run` itself, or has other test rows or labels.
        DataError: its predictions cannot be read.
    """
    other = _find_on_split(name_or_path, run.read_fingerprint(), runs_dir=runs_dir)
    if other.path == run.path.resolve():
        raise RunError(f"{name_or_path}: this is {run.path} itself; name another run")
    predictions, names = hash_predictions(other.predictions), test.features["label"].names
    hashes = [hash_row(text, names[label]) for text, label in zip(test["text"], test["label"], strict=True)]
    if sorted(hashes) != [*predictions.rows] or {*names} != {*predictions.label_names}:
        raise RunError(
            f"{other.predictions}: other rows or labels than the test set of {run.path}; evaluate that run again"
        )
    columns = [predictions.label_names.index(name) for name in names]
    probabilities = np.empty_like(predictions.probabilities)
    # The predictions are sorted by hash; equal rows have equal answers.
    probabilities[np.argsort(hashes, kind="stable")] = predictions.probabilities[:, columns]
    logger.info("comparing with %s", other.path)
    recipe_name, differences = _compare_recipes(run, other)
    return OtherPredictions(recipe_name, other.path.name, differences, probabilities)


def _compare_recipes(run: RunFolder, other: RunFolder) -> tuple[str, dict[str, tuple[Any, Any]]]:
    """Return the name of the other recipe, and the keys that differ with the run's value and the other's."""
    try:
        own_recipe, other_recipe = run.read_recipe(), other.read_recipe()
    except RecipeError as error:  # written by another version
        logger.warning("cannot compare the two recipes: %s", error)
        return other.path.parent.name, {}
    changes = find_changes(own_recipe, other_recipe, exclude=NOT_OF_THE_TRAINING)
    return other_recipe.name, {change.key: (change.before, change.now) for change in changes}


def _find_on_split(name_or_path: str | Path, fingerprint: str, *, runs_dir: Path) -> RunFolder:
    run = find_run(name_or_path, runs_dir=runs_dir)
    found = run.read_fingerprint()
    if found != fingerprint:
        raise RunError(
            f"{run.path}: its split is {found[:12]}, not {fingerprint[:12]}; train it with the same data and split"
        )
    return run
