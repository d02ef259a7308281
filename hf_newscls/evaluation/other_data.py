"""Score a trained model on data that it was not trained on.

Shape letters: N rows, L labels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from hf_newscls.evaluation.calibration.reliability import IntArray, Reliability, compute_reliability
from hf_newscls.evaluation.metrics import LabelScores, compute_confusion, compute_label_scores, compute_scores
from hf_newscls.evaluation.statistics.bootstrap import (
    Bootstrap,
    Interval,
    compute_intervals,
    resample_scores,
    to_interval,
)


@dataclass(frozen=True)
class OtherDataReport:
    """Scores of a trained model on other data; intervals are 95% bootstrap intervals.

    Attributes:
        name: of the data, such as a recipe or a file.
        rows: rows that were scored.
        seen_rows: rows that were left out, because the model was trained or validated on their text or a near
            duplicate; None if the texts of its training are not known.
        label_names: of the data, in the order of the confusion matrix.
        never_predicted: labels of the data that the model cannot predict.
        majority_accuracy: accuracy of predicting the most frequent label for every row.
        scores: by name, such as accuracy, f1_macro and log_loss.
        intervals: by metric.
        per_class: precision, recall, f1 and support (rows), by label.
        label_intervals: of F1, by label.
        confusion: shape (L, L), rows by reference and prediction.
        reliability: confidence and accuracy.
        dropped_labels: labels of the model without a counterpart in the data. Their probability is divided among the
            others.
        dropped_rows: rows that were scored, but most probably have a dropped label in the model's own prediction.
    """

    name: str
    rows: int
    seen_rows: int | None
    label_names: Sequence[str]
    never_predicted: Sequence[str]
    majority_accuracy: float
    scores: Mapping[str, float]
    intervals: Mapping[str, Interval]
    per_class: LabelScores
    label_intervals: Mapping[str, Interval]
    confusion: IntArray
    reliability: Reliability
    dropped_labels: Sequence[str] = ()
    dropped_rows: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values, ready for JSON."""
        content: dict[str, Any] = _ADAPTER.dump_python(self, mode="json")
        return content

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "OtherDataReport":
        """Return the report that `to_dict` wrote.

        Raises:
            ValueError: the content is not a report.
        """
        return _ADAPTER.validate_python(content)


_ADAPTER = TypeAdapter(OtherDataReport)


def score_other_data(
    probabilities: NDArray[np.float32],
    references: NDArray[np.int64],
    *,
    name: str,
    label_names: Sequence[str],
    never_predicted: Sequence[str],
    seen_rows: int | None,
    dropped_labels: Sequence[str],
    dropped_rows: int,
    bootstrap: Bootstrap,
) -> OtherDataReport:
    """Score the predictions for at least one row, given (N, L) and (N,) arrays.

    The data may have rows of a few of the labels only, so macro averages leave out the labels without rows.
    """
    bootstrap = replace(bootstrap, counts_absent=False)
    resamples = resample_scores(probabilities, references, bootstrap)
    return OtherDataReport(
        name=name,
        rows=len(references),
        seen_rows=seen_rows,
        label_names=label_names,
        never_predicted=never_predicted,
        majority_accuracy=float(np.bincount(references).max() / len(references)),
        scores=compute_scores(probabilities, references, top_k=bootstrap.top_k, counts_absent=bootstrap.counts_absent),
        intervals=compute_intervals(resamples),
        per_class=compute_label_scores(probabilities, references, label_names=label_names),
        label_intervals={one: to_interval(f1) for one, f1 in zip(label_names, resamples.label_f1.T, strict=True)},
        confusion=compute_confusion(probabilities, references),
        reliability=compute_reliability(probabilities, references),
        dropped_labels=dropped_labels,
        dropped_rows=dropped_rows,
    )
