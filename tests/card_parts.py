"""The input of a card, written by hand, without a model."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np

from hf_newscls.data.deduplication import DuplicateCounts
from hf_newscls.data.manifest import Leakage, SplitManifest
from hf_newscls.evaluation.baselines.comparison import LENGTH, MAJORITY, TFIDF, Comparison
from hf_newscls.evaluation.calibration.calibration import Calibration, build_calibration
from hf_newscls.evaluation.report import EvaluationReport, SplitReport
from hf_newscls.evaluation.statistics.bootstrap import Interval
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.report.model_card import render_card
from hf_newscls.training.record import TrainingRecord

FINGERPRINT = "f" * 64


class CardParts(NamedTuple):
    """The first four arguments of `render_card`."""

    recipe: Recipe
    manifest: SplitManifest
    record: TrainingRecord
    report: EvaluationReport

    def render(self, model_address: str = ".", **options: Any) -> str:
        """Render the card."""
        return render_card(*self, model_address=model_address, **options)


def build_parts(labels: Sequence[str] = ("FAKE", "REAL"), **sections: Any) -> CardParts:
    """Build the parts of a card; `sections` are changes to sections of the recipe."""
    content: dict[str, Any] = {
        "name": "tiny",
        "data": {"source": "/home/ann/news.csv", "text": ["title", "body"], "label": "category"},
        "model": {"model_name_or_path": "/home/ann/encoder", "max_length": 32},
        "training_arguments": {"learning_rate": 5e-5},
    }
    content |= {name: {**content.get(name, {}), **section} for name, section in sections.items()}
    return CardParts(Recipe.model_validate(content), _build_manifest(labels), _build_record(), _build_report(labels))


def _build_manifest(labels: Sequence[str]) -> SplitManifest:
    counts = {"train": 600, "validation": 100, "test": 500}
    return SplitManifest(
        source="/home/ann/news.csv",
        source_sha256="a" * 64,
        rows_read=1 + 1200 * len(labels),
        dropped={"missing label": 0, "empty text": 1, "short text": 0},
        strategy="random, stratified by label",
        seed=17,
        fractions={"train": 0.5, "validation": 0.1, "test": 0.4},
        fingerprint=FINGERPRINT,
        label_counts={split: dict.fromkeys(labels, count) for split, count in counts.items()},
        row_ids={"train": [], "validation": [], "test": []},
        duplicates=DuplicateCounts(
            handling="group", groups=3, rows=7, largest=3, exact=3, near=1, conflicting_texts=0, conflicting_rows=0
        ),
        leakage=Leakage(rows=0, random_split_rows=2, random_split_test_rows=500),
    )


def _build_record() -> TrainingRecord:
    return TrainingRecord(
        log_history=[],
        boundary_step=0,
        total_steps=1234,
        best_step=1000,
        runtime_seconds=90.0,
        train_rows=1200,
        batch_rows=16,
        parameters=2000,
        trained_parameters=500,
        device="CPU (AVX2, 2 threads)",
        precision="float32",
        finished="2026-01-02",
        versions={"python": "3.11.7", "torch": "2.13.0"},
    )


def _build_report(labels: Sequence[str]) -> EvaluationReport:
    names = ("accuracy", "f1_macro", "f1_weighted", "top_2_accuracy", "log_loss", "calibration_error")
    # All values differ, so that a mix-up shows.
    splits = {
        split: SplitReport(
            rows=500 * len(labels),
            scores={name: 0.9 - index / 100 - shift for index, name in enumerate(names)},
            per_class={
                label: {"precision": 0.5 + index / 1000, "recall": 0.6, "f1": 0.55, "support": 500}
                for index, label in enumerate(labels)
            },
        )
        for split, shift in (("test", 0.0), ("validation", 0.2))
    }
    return EvaluationReport(
        label_names=labels,
        **splits,
        confusion=np.full((len(labels), len(labels)), 250),
        intervals={name: Interval(0.7 + index / 100, 0.95) for index, name in enumerate(names[:3])},
        label_intervals={label: Interval(0.5, 0.6) for label in labels},
        comparisons={
            MAJORITY: replace(_build_comparison("baseline", dict.fromkeys(names, 0.25)), intervals={}),
            TFIDF: _build_comparison("baseline", dict.fromkeys(names, 0.75)),
            LENGTH: _build_comparison("probe", dict.fromkeys(names, 0.3)),
        },
        calibration=_build_calibration(labels),
    )


def _build_comparison(kind: Literal["baseline", "probe"], scores: dict[str, float]) -> Comparison:
    intervals = {name: Interval(value - 0.02, value + 0.02) for name, value in scores.items()}
    return Comparison(kind, scores, intervals, gains={name: Interval(-0.0123, 0.0456) for name in [*scores][:3]})


def _build_calibration(labels: Sequence[str]) -> Calibration:
    """Return the calibration of a model that is right on 80 of 100 rows, with probabilities of 0.8."""
    references = np.arange(100) % len(labels)
    predicted = np.where(np.arange(100) // len(labels) % 5 == 0, (references + 1) % len(labels), references)
    probabilities = np.full((100, len(labels)), 0.2 / max(len(labels) - 1, 1))
    probabilities[np.arange(100), predicted] = 0.8
    split = (probabilities, references)
    return build_calibration(split, split, temperature=1.0, label_names=[*labels], threshold_metric="f1_macro")
