"""What another recipe's model said of the same test rows."""

import logging
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hf_newscls.errors import RunError
from hf_newscls.evaluation.side_by_side import OtherAnswers
from hf_newscls.run_folder import RunFolder, find_runs

__all__ = ["read_other_answers"]

logger = logging.getLogger(__name__)


def read_other_answers(
    recipe_name: str, run: RunFolder, *, row_ids: Sequence[str], label_names: Sequence[str]
) -> OtherAnswers:
    """Return the answers of a recipe's newest finished run on the split of a run, where all runs are kept.

    Args:
        recipe_name: of the other recipe.
        run: the one to stand beside.
        row_ids: of its test rows, in their order.
        label_names: in the order of the label ids.

    Raises:
        RunError: there is no such run, or none that can be read.
    """
    runs_dir = run.path.parent.parent
    others = [other for other in find_runs(recipe_name, runs_dir=runs_dir) if other.path != run.path]
    for other in reversed(others):
        probabilities = _read_probabilities(other, run, row_ids, label_names)
        if probabilities is not None:
            logger.info("the report compares with %s", other.path)
            return OtherAnswers(recipe_name, probabilities)
    found = f"{len(others)} that answered other rows" if others else "none"
    raise RunError(
        f"{recipe_name}: must have a finished run on the split of {run.path} in {runs_dir} to compare with, "
        f"found {found}; train it with the same data, then evaluate this run again"
    )


def _read_probabilities(
    other: RunFolder, run: RunFolder, row_ids: Sequence[str], label_names: Sequence[str]
) -> NDArray[np.float32] | None:
    try:
        if other.read_json(other.split).get("fingerprint") != run.read_json(run.split).get("fingerprint"):
            return None
        columns = [f"probability of {name}" for name in label_names]
        table = pq.read_table(other.predictions, columns=["id", *columns])
    except (RunError, OSError, pa.ArrowException):
        return None
    if {"id", *columns} - {*table.column_names} or table["id"].to_pylist() != [*row_ids]:
        return None
    return np.stack([table[name].to_numpy() for name in columns], axis=1)
