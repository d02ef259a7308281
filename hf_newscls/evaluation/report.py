"""Everything that is measured in a run, as one value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from datasets import DatasetDict
from numpy.typing import NDArray
from pydantic import TypeAdapter

from hf_newscls.evaluation.baselines.comparison import (
    Comparison,
    FrozenFeatures,
    build_comparisons,
    find_strongest,
)
from hf_newscls.evaluation.baselines.side_by_side import OtherPredictions, SideBySide, build_side_by_side
from hf_newscls.evaluation.calibration.calibration import Calibration, build_calibration
from hf_newscls.evaluation.calibration.reliability import IntArray
from hf_newscls.evaluation.metrics import LabelScores, NewsClassification, compute_confusion, compute_label_scores
from hf_newscls.evaluation.renamed_keys import rename_old_keys
from hf_newscls.evaluation.statistics.bootstrap import (
    Bootstrap,
    Interval,
    compute_intervals,
    resample_scores,
    to_interval,
)
from hf_newscls.recipe.evaluation import EvaluationSection


@dataclass(frozen=True)
class SplitReport:
    """Scores of the model on one split.

    Attributes:
        rows: number of rows.
        scores: by name, such as accuracy, f1_macro and log_loss.
        per_class: precision, recall, f1 and support (rows), by label.
    """

    rows: int
    scores: Mapping[str, float]
    per_class: LabelScores


@dataclass(frozen=True)
class EvaluationReport:
    """The evaluation of a trained model; intervals are 95% bootstrap intervals on test.

    Attributes:
        label_names: in the order of the label ids.
        test: scores on the test set.
        validation: scores on the validation set; the best checkpoint was chosen on it, so they are too good.
        confusion: shape (L, L), rows of the test set by reference and prediction.
        intervals: by metric.
        label_intervals: of F1, by label.
        comparisons: simpler classifiers by name; empty if the recipe wants none.
        calibration: how well the probabilities match the accuracy.
        side_by_side: another model on the same rows; None if none was named.
    """

    label_names: Sequence[str]
    test: SplitReport
    validation: SplitReport
    confusion: IntArray
    intervals: Mapping[str, Interval]
    label_intervals: Mapping[str, Interval]
    comparisons: Mapping[str, Comparison]
    calibration: Calibration
    side_by_side: SideBySide | None = None

    @property
    def probes(self) -> dict[str, Comparison]:
        """The classifiers that see too little to understand a text, by name."""
        return {name: one for name, one in self.comparisons.items() if one.kind == "probe"}

    @property
    def strongest_baseline(self) -> tuple[str, Comparison] | None:
        """Name and scores of the TF-IDF baseline with the highest macro F1 on validation; None without baselines."""
        name = find_strongest(self.comparisons)
        return None if name is None else (name, self.comparisons[name])

    @property
    def gains(self) -> Mapping[str, Interval]:
        """95% intervals of the model's gain over the strongest TF-IDF baseline, paired, by metric."""
        return self.strongest_baseline[1].gains if self.strongest_baseline else {}

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per score: split, score, value, low and high.

        Low and high are the ends of the 95% interval; they are NaN on validation and for calibration_error.
        """
        rows = [
            {"split": split, "score": name, "value": value, **(intervals[name]._asdict() if name in intervals else {})}
            for split, scores, intervals in (
                ("test", self.test.scores, self.intervals),
                ("validation", self.validation.scores, {}),
            )
            for name, value in scores.items()
        ]
        return pd.DataFrame(rows, columns=["split", "score", "value", "low", "high"])

    def _repr_html_(self) -> str:
        """Return the table of scores, for a notebook."""
        return str(self.to_pandas().to_html(index=False, float_format="{:.4f}".format, na_rep=""))

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values, ready for JSON; scores of a split are next to its `rows`."""
        content: dict[str, Any] = _ADAPTER.dump_python(self, mode="json", by_alias=True)
        for split in ("test", "validation"):
            content[split] |= content[split].pop("scores")
        return content

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "EvaluationReport":
        """Return the report that `to_dict` wrote; keys of an earlier version are accepted, other keys are ignored.

        Raises:
            ValueError: the content is not a report.
        """
        content = rename_old_keys(content)
        for split in ("test", "validation"):
            if isinstance(values := content.get(split), Mapping):
                scores = {name: value for name, value in values.items() if name not in {"rows", "per_class"}}
                content[split] = {**values, "scores": scores}
        return _ADAPTER.validate_python(content)


_ADAPTER = TypeAdapter(EvaluationReport)


def build_report(
    splits: DatasetDict,
    probabilities: Mapping[str, NDArray[np.float32]],
    *,
    section: EvaluationSection,
    seed: int,
    temperature: float = 1.0,
    groups: NDArray[np.int64] | None = None,
    probes: Mapping[str, list[str]] | None = None,
    features: FrozenFeatures | None = None,
    other: OtherPredictions | None = None,
) -> EvaluationReport:
    """Score the model, and compare it with baselines and probes.

    Args:
        splits: rows with `text`, a `ClassLabel` named `label`, and the columns of the probes.
        probabilities: of validation and test, (rows, L) in the order of the rows.
        temperature: that the logits were divided by before the model was saved.
        groups: (rows,) of the test split, equal for rows of one article; None if each row is an article.
        probes: columns by the probe's name.
        features: of the frozen encoder; None leaves that baseline out.
        other: another model's probabilities of the test rows, to compare with.
    """
    names: list[str] = splits["train"].features["label"].names
    rows = {split: (probabilities[split], np.asarray(splits[split]["label"][:])) for split in ("validation", "test")}
    bootstrap = Bootstrap(section.bootstrap_resamples, seed, groups=groups, top_k=section.top_k)
    resamples = resample_scores(*rows["test"], bootstrap)
    comparisons: Mapping[str, Comparison] = {}
    side_by_side = None
    if section.baseline:
        comparisons = build_comparisons(
            splits, probabilities["test"], bootstrap=bootstrap, features=features, probes=probes or {}
        )
    if other:
        train_counts = np.bincount(splits["train"]["label"][:], minlength=len(names))
        side_by_side = build_side_by_side(
            other, *rows["test"], train_counts=train_counts, label_names=names, bootstrap=bootstrap
        )
    return EvaluationReport(
        label_names=names,
        test=_score_rows(*rows["test"], names, top_k=section.top_k),
        validation=_score_rows(*rows["validation"], names, top_k=section.top_k),
        confusion=compute_confusion(*rows["test"]),
        intervals=compute_intervals(resamples),
        label_intervals={name: to_interval(f1) for name, f1 in zip(names, resamples.label_f1.T, strict=True)},
        comparisons=comparisons,
        calibration=build_calibration(
            rows["validation"],
            rows["test"],
            temperature=temperature,
            label_names=names,
            threshold_metric=section.threshold_metric,
        ),
        side_by_side=side_by_side,
    )


def _score_rows(
    probabilities: NDArray[np.float32], references: NDArray[np.int64], names: Sequence[str], *, top_k: Sequence[int]
) -> SplitReport:
    # evaluate makes a folder even if it keeps the rows in memory; the home folder may be read-only.
    with TemporaryDirectory() as folder:
        metric = NewsClassification(keep_in_memory=True, cache_dir=folder)
        scores = metric.compute(predictions=probabilities, references=references, top_k=top_k)
    return SplitReport(
        rows=len(references),
        scores=scores,
        per_class=compute_label_scores(probabilities, references, label_names=names),
    )
