"""A measured run without training: made-up rows and probabilities, and everything computed from them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from hf_newscls.data.deduplication import DuplicateCounts
from hf_newscls.data.manifest import Leakage, SplitManifest
from hf_newscls.evaluation.error_analysis import analyze_errors
from hf_newscls.evaluation.report import build_report
from hf_newscls.evaluation.statistics.bootstrap import Bootstrap
from hf_newscls.modeling.token_counts import TokenCounts
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.report.measured_run import MeasuredRun
from hf_newscls.training.record import TrainingRecord

ROWS = {"train": 60, "validation": 30, "test": 40}  # but at least three per label


def build_measured(
    labels: Sequence[str] = ("FAKE", "REAL"), *, text: str = "word of {label}", dates: bool = True
) -> MeasuredRun:
    """Return a run with a model that is right on about two of three test rows."""
    rng = np.random.default_rng(17)
    sizes = {split: max(rows, 3 * len(labels)) for split, rows in ROWS.items()}
    splits = DatasetDict({split: _build_rows(labels, rows, text=text) for split, rows in sizes.items()})
    recipe = _build_recipe(dates=dates)
    probabilities = {}
    for split in ("validation", "test"):
        own = np.eye(len(labels))[splits[split]["label"][:]]
        drawn = rng.dirichlet(np.ones(len(labels)), size=sizes[split]) + 0.6 * own
        probabilities[split] = (drawn / drawn.sum(axis=1, keepdims=True)).astype(np.float32)
    token_counts = {split: rng.integers(3, 40, size=rows) for split, rows in sizes.items()}
    lengths = np.concatenate([*token_counts.values()])
    years = {split: [str(2020 + index % 3) for index in range(rows)] for split, rows in sizes.items()}
    return MeasuredRun(
        recipe=recipe,
        manifest=_build_manifest(labels, splits),
        record=_build_record(),
        splits=splits,
        report=build_report(
            splits,
            probabilities,
            section=recipe.evaluation,
            seed=17,
        ),
        errors=analyze_errors(
            probabilities["test"],
            np.asarray(splits["test"]["label"][:]),
            label_names=labels,
            token_counts=token_counts["test"],
            max_length=32,
            years=years["test"] if dates else None,
            bootstrap=Bootstrap(resamples=50, seed=17),
        ),
        test_probabilities=probabilities["test"],
        token_counts=token_counts,
        tokens=TokenCounts(lengths, unknown=np.ones_like(lengths), special=2).summarize(max_length=32),
        years=years if dates else None,
    )


def _build_rows(labels: Sequence[str], rows: int, *, text: str) -> Dataset:
    ids = np.arange(rows) % len(labels)
    features = Features({"id": Value("string"), "text": Value("string"), "label": ClassLabel(names=[*labels])})
    texts = [f"{text.format(label=labels[label])} {index}" for index, label in enumerate(ids)]
    return Dataset.from_dict({"id": [str(index) for index in range(rows)], "text": texts, "label": ids}, features)


def _build_recipe(*, dates: bool) -> Recipe:
    content = {
        "name": "tiny",
        "data": {"source": "news.csv", "text": ["title"], "label": "category", **({"date": "date"} if dates else {})},
        "model": {"model_name_or_path": str(Path("encoder")), "max_length": 32},
        "evaluation": {"top_k": [1], "bootstrap_resamples": 100},
        "hub": {"title": "Tiny <news>", "purpose": "For tests."},
    }
    return Recipe.model_validate(content)


def _build_manifest(labels: Sequence[str], splits: DatasetDict) -> SplitManifest:
    counts = {split: np.bincount(rows["label"][:], minlength=len(labels)).tolist() for split, rows in splits.items()}
    return SplitManifest(
        source="news.csv",
        source_sha256="a" * 64,
        rows_read=131,
        dropped={"empty text": 1},
        strategy="random, stratified by label",
        seed=17,
        fractions=None,
        fingerprint="f" * 64,
        label_counts={split: dict(zip(labels, rows, strict=True)) for split, rows in counts.items()},
        row_ids={},
        duplicates=DuplicateCounts("group", 3, 7, 3, 3, 1, 0, 0),
        leakage=Leakage(rows=0, random_split_rows=2, random_split_test_rows=40),
    )


def _build_record() -> TrainingRecord:
    steps = [{"step": step, "loss": 2 / step, "learning_rate": 1e-4 / step} for step in range(1, 21)]
    return TrainingRecord(
        log_history=[*steps, {"step": 10, "eval_loss": 0.4}, {"step": 20, "eval_loss": 0.2}],
        boundary_step=8,
        total_steps=20,
        best_step=20,
        runtime_seconds=90.0,
        train_rows=60,
        batch_rows=8,
        parameters=2000,
        trained_parameters=500,
        device="CPU (2 threads)",
        precision="float32",
        finished="2026-01-02",
        versions={"python": "3.11.7"},
    )
