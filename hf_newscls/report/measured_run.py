"""What is known of a run once it was measured, rows and all: what figures, lists and the report are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from datasets import Dataset, DatasetDict
from numpy.typing import NDArray

from hf_newscls.data.manifest import SplitManifest
from hf_newscls.evaluation.error_analysis import ErrorAnalysis
from hf_newscls.evaluation.report import EvaluationReport
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.training.record import TrainingRecord

__all__ = ["MeasuredRun"]


@dataclass(frozen=True)
class MeasuredRun:
    """A run with everything that was measured.

    Attributes:
        recipe: of the run.
        manifest: of its split.
        record: of its training.
        splits: its rows.
        report: its scores.
        errors: where it failed.
        test_probabilities: (N, L), in the order of the test rows.
        token_counts: of each text before truncation, by side.
        years: of each row by side, `unknown` where it has no date; None where the recipe names no dates.
    """

    recipe: Recipe
    manifest: SplitManifest
    record: TrainingRecord
    splits: DatasetDict
    report: EvaluationReport
    errors: ErrorAnalysis
    test_probabilities: NDArray[np.float32]
    token_counts: Mapping[str, NDArray[np.int64]]
    years: Mapping[str, Sequence[str]] | None

    @property
    def label_names(self) -> Sequence[str]:
        """Label names in the order of their ids."""
        return self.report.label_names

    @property
    def test(self) -> Dataset:
        """The rows of the test set."""
        return self.splits["test"]

    def describe_rows(self, indices: Sequence[int] | NDArray[np.int64], *, top_k: int = 1) -> list[dict[str, Any]]:
        """Return id, text, reference and the most probable labels of some test rows, as (name, probability) pairs."""
        rows = self.test.select(indices)
        names = self.label_names
        found = []
        for index, row_id, text, label in zip(indices, rows["id"], rows["text"], rows["label"], strict=True):
            values = self.test_probabilities[index]
            best = np.argsort(-values, kind="stable")[:top_k]
            answers = [(names[one], float(values[one])) for one in best]
            found.append({"id": row_id, "text": text, "reference": names[label], "answers": answers})
        return found
