"""What the model of another run said of the same test rows."""

import logging
from pathlib import Path

import numpy as np
from datasets import Dataset

from hf_newscls.data.manifest import hash_row
from hf_newscls.errors import NewsclsError, RunError
from hf_newscls.evaluation.side_by_side import OtherPredictions
from hf_newscls.hub.predictions import hash_predictions
from hf_newscls.run_folder import RunFolder, find_run

__all__ = ["find_other_predictions", "read_other_predictions"]

logger = logging.getLogger(__name__)


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
        name_or_path: a recipe, whose latest run is taken, or a run folder.
        run: the run that it is to stand beside.
        test: the test rows of that run.
        runs_dir: where run folders are kept.

    Raises:
        RunError: there is no such run, it is the run itself, or it was measured on other rows or labels.
        DataError: its predictions cannot be read.
    """
    other = find_run(name_or_path, runs_dir=runs_dir)
    if other.path == run.path.resolve():
        raise RunError(f"{name_or_path}: must be another run than {run.path}, found the same; name another")
    own, found = (one.read_json(one.split)["fingerprint"] for one in (run, other))
    if own != found:
        raise RunError(
            f"{other.path}: must have the split of {run.path} to be compared with it, {own[:12]}, got {found[:12]}, "
            "found by fingerprint; train it with the same data"
        )
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
    recipe_name = other.path.parent.name
    logger.info("compared with %s", other.path)
    return OtherPredictions(recipe_name, other.path.name, probabilities)
