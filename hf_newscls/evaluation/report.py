"""Everything measured in a run, as one value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from datasets import Dataset, DatasetDict
from numpy.typing import NDArray

from hf_newscls.evaluation.baseline import predict_majority, predict_tfidf
from hf_newscls.evaluation.intervals import Interval, bootstrap_difference, bootstrap_intervals
from hf_newscls.evaluation.metrics import (
    LabelScores,
    NewsClassification,
    compute_confusion,
    compute_label_scores,
    compute_scores,
)
from hf_newscls.recipe import EvaluationSection

__all__ = ["MAJORITY", "TFIDF", "EvaluationReport", "SideReport", "build_report"]

MAJORITY = "majority class"
TFIDF = "TF-IDF with logistic regression"


@dataclass(frozen=True)
class SideReport:
    """Scores of the model on one side of the split.

    Attributes:
        rows: rows scored.
        scores: by metric, as `compute_scores` names them.
        per_class: by label name.
    """

    rows: int
    scores: Mapping[str, float]
    per_class: LabelScores

    def to_dict(self) -> dict[str, Any]:
        """Return the scores with the labels' own under `per_class`."""
        return {**self.scores, "rows": self.rows, "per_class": self.per_class}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "SideReport":
        """Return the report that `to_dict` wrote."""
        scores = {name: value for name, value in content.items() if name not in {"rows", "per_class"}}
        return cls(rows=content["rows"], scores=scores, per_class=content["per_class"])


@dataclass(frozen=True)
class EvaluationReport:
    """What is known of a trained model.

    Attributes:
        label_names: in the order of the label ids.
        test: the test set, used for nothing else.
        validation: the set the best checkpoint was chosen on, hence flattering.
        confusion: (L, L) rows of the test set by reference and prediction.
        intervals: 95% bootstrap intervals of test scores, by metric.
        baselines: test scores of simpler classifiers trained on the same rows, by name and metric.
        gains: 95% interval of the model's score less that of TF-IDF, paired, by metric.
    """

    label_names: Sequence[str]
    test: SideReport
    validation: SideReport
    confusion: NDArray[np.int64]
    intervals: Mapping[str, Interval]
    baselines: Mapping[str, Mapping[str, float]]
    gains: Mapping[str, Interval]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values, ready for JSON."""
        return {
            "test": self.test.to_dict(),
            "validation": self.validation.to_dict(),
            "intervals": {name: [interval.low, interval.high] for name, interval in self.intervals.items()},
            "baselines": {name: dict(scores) for name, scores in self.baselines.items()},
            "gain_over_tfidf": {name: [interval.low, interval.high] for name, interval in self.gains.items()},
            "confusion": self.confusion.tolist(),
            "label_names": [*self.label_names],
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "EvaluationReport":
        """Return the report that `to_dict` wrote; further keys are passed over."""
        return cls(
            label_names=content["label_names"],
            test=SideReport.from_dict(content["test"]),
            validation=SideReport.from_dict(content["validation"]),
            confusion=np.asarray(content["confusion"], dtype=np.int64),
            intervals={name: Interval(*ends) for name, ends in content["intervals"].items()},
            baselines=content["baselines"],
            gains={name: Interval(*ends) for name, ends in content["gain_over_tfidf"].items()},
        )


def build_report(
    splits: DatasetDict,
    *,
    validation_probabilities: NDArray[np.float32],
    test_probabilities: NDArray[np.float32],
    section: EvaluationSection,
    seed: int,
) -> EvaluationReport:
    """Score the model and the baselines.

    Args:
        splits: rows with `text` and a `ClassLabel` named `label`.
        validation_probabilities: (rows, L) in the rows' order.
        test_probabilities: (rows, L) in the rows' order.
        section: what is measured.
        seed: of the bootstrap.
    """
    names: list[str] = splits["train"].features["label"].names
    references = np.asarray(splits["test"]["label"][:])
    predictions = test_probabilities.argmax(axis=1)
    bootstrap = {"num_labels": len(names), "resamples": section.bootstrap_resamples, "seed": seed}
    baselines = _predict_baselines(splits, num_labels=len(names)) if section.baseline else {}
    gains = (
        bootstrap_difference([predictions, baselines[TFIDF].argmax(axis=1)], references, **bootstrap)
        if section.baseline
        else {}
    )
    return EvaluationReport(
        label_names=names,
        test=_score_side(splits["test"], test_probabilities, names, top_k=section.top_k),
        validation=_score_side(splits["validation"], validation_probabilities, names, top_k=section.top_k),
        confusion=compute_confusion(test_probabilities, references),
        intervals=bootstrap_intervals(predictions, references, **bootstrap),
        baselines={name: compute_scores(values, references, top_k=section.top_k) for name, values in baselines.items()},
        gains=gains,
    )


def _score_side(
    dataset: Dataset, probabilities: NDArray[np.float32], names: Sequence[str], *, top_k: Sequence[int]
) -> SideReport:
    references = np.asarray(dataset["label"][:])
    return SideReport(
        rows=len(dataset),
        scores=NewsClassification(keep_in_memory=True).compute(
            predictions=probabilities, references=references, top_k=top_k
        ),
        per_class=compute_label_scores(probabilities, references, label_names=names),
    )


def _predict_baselines(splits: DatasetDict, *, num_labels: int) -> dict[str, NDArray[np.float64]]:
    train, test = splits["train"], splits["test"]
    return {
        MAJORITY: predict_majority(train["label"][:], rows=len(test), num_labels=num_labels),
        TFIDF: predict_tfidf(train["text"][:], train["label"][:], test["text"][:]),
    }
