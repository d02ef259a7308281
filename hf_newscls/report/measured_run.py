"""A measured run with all its rows: the input of figures, error tables and report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from datasets import Dataset, DatasetDict
from numpy.typing import NDArray

from hf_newscls.data.manifest import SplitManifest
from hf_newscls.data.readers.rows import ROW_ID
from hf_newscls.evaluation.error_analysis import ErrorAnalysis
from hf_newscls.evaluation.report import EvaluationReport
from hf_newscls.modeling.token_counts import TokenSummary
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.report.figures.fonts import name_labels
from hf_newscls.training.record import TrainingRecord


@dataclass(frozen=True)
class MeasuredRun:
    """A run and everything that was measured."""

    recipe: Recipe
    manifest: SplitManifest
    record: TrainingRecord
    splits: DatasetDict
    report: EvaluationReport
    errors: ErrorAnalysis
    test_probabilities: NDArray[np.float32]  # (N, L), in the order of the test rows
    token_counts: Mapping[str, NDArray[np.int64]]  # of each text before truncation, by split
    tokens: TokenSummary  # of all texts
    # Of each row by split, `unknown` for a row without a date; None if the recipe has no date column.
    years: Mapping[str, Sequence[str]] | None

    @property
    def label_names(self) -> Sequence[str]:
        """Label names in the order of their ids."""
        return self.report.label_names

    @cached_property
    def shown_labels(self) -> Sequence[str]:
        """Label names as the figures show them, in the order of their ids."""
        return name_labels(self.label_names)

    @property
    def test(self) -> Dataset:
        """The rows of the test set."""
        return self.splits["test"]

    def list_predictions(self, indices: Sequence[int] | NDArray[np.int64], *, top_k: int = 1) -> list[dict[str, Any]]:
        """Return some test rows with their top predictions; see the function of the same name."""
        return list_predictions(self.test, self.test_probabilities, indices, label_names=self.label_names, top_k=top_k)


def list_predictions(
    dataset: Dataset,
    probabilities: NDArray[np.float32],
    indices: Sequence[int] | NDArray[np.int64],
    *,
    label_names: Sequence[str],
    top_k: int = 1,
) -> list[dict[str, Any]]:
    """Return id, text, reference and the top predictions of some rows, as (name, probability) pairs.

    Args:
        dataset: id, text and label of all rows.
        probabilities: of all rows, (N, L).
        indices: of the rows to return, in this order.
    """
    chosen, rows = dataset.select(indices), []
    columns = (chosen[name][:] for name in (ROW_ID, "text", "label"))
    for row_id, text, label, values in zip(*columns, probabilities[indices], strict=True):
        best = np.argsort(-values, kind="stable")[:top_k]
        predictions = [(label_names[one], float(values[one])) for one in best]
        rows.append({"id": row_id, "text": text, "reference": label_names[label], "predictions": predictions})
    return rows
