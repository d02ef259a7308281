"""Everything measured in a run, as one value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from datasets import Dataset, DatasetDict
from numpy.typing import NDArray

from hf_newscls.evaluation.baselines.comparison import TFIDF, Comparison, FrozenFeatures, build_comparisons
from hf_newscls.evaluation.baselines.side_by_side import OtherPredictions, SideBySide, build_side_by_side
from hf_newscls.evaluation.calibration.calibration import Calibration, build_calibration
from hf_newscls.evaluation.metrics import LabelScores, NewsClassification, compute_confusion, compute_label_scores
from hf_newscls.evaluation.statistics.bootstrap import (
    Bootstrap,
    Interval,
    compute_intervals,
    compute_label_intervals,
    resample_scores,
)
from hf_newscls.recipe.recipe import EvaluationSection

__all__ = ["EvaluationReport", "SplitReport", "build_report"]


@dataclass(frozen=True)
class SplitReport:
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
    def from_dict(cls, content: Mapping[str, Any]) -> "SplitReport":
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
        label_intervals: the same of F1, by label.
        comparisons: simpler classifiers trained on the same rows, by name; none where the recipe wants none.
        calibration: how far the probabilities can be trusted.
        side_by_side: the model beside another one that answered the same rows, where there is one.
    """

    label_names: Sequence[str]
    test: SplitReport
    validation: SplitReport
    confusion: NDArray[np.int64]
    intervals: Mapping[str, Interval]
    label_intervals: Mapping[str, Interval]
    comparisons: Mapping[str, Comparison]
    calibration: Calibration
    side_by_side: SideBySide | None = None

    @property
    def baselines(self) -> dict[str, Mapping[str, float]]:
        """Test scores of the classifiers that read the text, by name and metric."""
        return {name: one.scores for name, one in self.comparisons.items() if one.kind == "baseline"}

    @property
    def probes(self) -> dict[str, Comparison]:
        """The classifiers that see too little to understand a text, by name."""
        return {name: one for name, one in self.comparisons.items() if one.kind == "probe"}

    @property
    def gains(self) -> Mapping[str, Interval]:
        """95% interval of the model's score less that of TF-IDF with logistic regression, paired, by metric."""
        return self.comparisons[TFIDF].gains if TFIDF in self.comparisons else {}

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values, ready for JSON."""
        return {
            "test": self.test.to_dict(),
            "validation": self.validation.to_dict(),
            "intervals": _to_ends(self.intervals),
            "label_intervals": _to_ends(self.label_intervals),
            "comparisons": {name: one.to_dict() for name, one in self.comparisons.items()},
            "calibration": self.calibration.to_dict(),
            "side_by_side": self.side_by_side.to_dict() if self.side_by_side else None,
            "confusion": self.confusion.tolist(),
            "label_names": [*self.label_names],
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "EvaluationReport":
        """Return the report that `to_dict` wrote; further keys are passed over."""
        return cls(
            label_names=content["label_names"],
            test=SplitReport.from_dict(content["test"]),
            validation=SplitReport.from_dict(content["validation"]),
            confusion=np.asarray(content["confusion"], dtype=np.int64),
            intervals=_to_intervals(content["intervals"]),
            label_intervals=_to_intervals(content["label_intervals"]),
            comparisons={name: Comparison.from_dict(one) for name, one in content["comparisons"].items()},
            calibration=Calibration.from_dict(content["calibration"]),
            side_by_side=SideBySide.from_dict(pair) if (pair := content.get("side_by_side")) else None,
        )


def build_report(
    splits: DatasetDict,
    *,
    validation_probabilities: NDArray[np.float32],
    test_probabilities: NDArray[np.float32],
    section: EvaluationSection,
    seed: int,
    groups: NDArray[np.int64] | None = None,
    probes: Mapping[str, list[str]] | None = None,
    features: FrozenFeatures | None = None,
    other: OtherPredictions | None = None,
) -> EvaluationReport:
    """Score the model, the baselines and the probes, and calibrate the model.

    Args:
        splits: rows with `text`, a `ClassLabel` named `label`, and the columns of the probes.
        validation_probabilities: (rows, L) in the rows' order.
        test_probabilities: (rows, L) in the rows' order.
        section: what is measured.
        seed: of the bootstrap.
        groups: (rows,) of the test side, equal for rows that are one article; None if no two rows are.
        probes: columns by the probe's name.
        features: of the frozen encoder; None leaves that baseline out.
        other: what another model says of the test rows, to stand beside.
    """
    names: list[str] = splits["train"].features["label"].names
    validation, test = (np.asarray(splits[split]["label"][:]) for split in ("validation", "test"))
    bootstrap = Bootstrap(section.bootstrap_resamples, seed, groups=groups, top_k=section.top_k)
    resamples = resample_scores(test_probabilities, test, bootstrap)
    return EvaluationReport(
        label_names=names,
        test=_score_split(splits["test"], test_probabilities, names, top_k=section.top_k),
        validation=_score_split(splits["validation"], validation_probabilities, names, top_k=section.top_k),
        confusion=compute_confusion(test_probabilities, test),
        intervals=compute_intervals(resamples),
        label_intervals=dict(zip(names, compute_label_intervals(resamples), strict=True)),
        comparisons=build_comparisons(
            splits, test_probabilities, bootstrap=bootstrap, features=features, probes=probes or {}
        )
        if section.baseline
        else {},
        calibration=build_calibration(
            (validation_probabilities, validation),
            (test_probabilities, test),
            label_names=names,
            threshold_metric=section.threshold_metric,
        ),
        side_by_side=build_side_by_side(
            test_probabilities,
            other,
            test,
            train_counts=np.bincount(splits["train"]["label"][:], minlength=len(names)),
            label_names=names,
            bootstrap=bootstrap,
        )
        if other
        else None,
    )


def _score_split(
    dataset: Dataset, probabilities: NDArray[np.float32], names: Sequence[str], *, top_k: Sequence[int]
) -> SplitReport:
    references = np.asarray(dataset["label"][:])
    return SplitReport(
        rows=len(dataset),
        scores=NewsClassification(keep_in_memory=True).compute(
            predictions=probabilities, references=references, top_k=top_k
        ),
        per_class=compute_label_scores(probabilities, references, label_names=names),
    )


def _to_ends(intervals: Mapping[str, Interval]) -> dict[str, list[float]]:
    return {name: [interval.low, interval.high] for name, interval in intervals.items()}


def _to_intervals(ends: Mapping[str, Sequence[float]]) -> dict[str, Interval]:
    return {name: Interval(*pair) for name, pair in ends.items()}
