"""Models for leaderboards, written by hand."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import yaml

from hf_newscls.comparison.leaderboard import Entry, Setting
from hf_newscls.comparison.model_scores import Origin
from hf_newscls.evaluation.metric_names import name_metric
from hf_newscls.evaluation.statistics.bootstrap import Interval
from hf_newscls.report.predictions import PublishedPredictions, predictions_to_parquet

LABELS = ("FAKE", "REAL")
ONE, TWO = "1" * 64, "2" * 64
"""Fingerprints of two splits."""


def answer(right: int, *, rows: int = 20, first: int = 0, labels: Sequence[str] = LABELS) -> PublishedPredictions:
    """Return predictions with a probability of 0.9 for one label: the right label on the first `right` rows.

    Args:
        right: rows with the right answer.
        rows: number of rows; the two labels take turns.
        first: number of the first row, to get other rows.
        labels: two names.
    """
    hashes = [hash_number(number) for number in range(first, first + rows)]
    references = np.arange(rows) % 2
    answers = np.where(np.arange(rows) < right, references, 1 - references)
    probabilities = np.full((rows, 2), 0.1, dtype=np.float32)
    probabilities[np.arange(rows), answers] = 0.9
    return PublishedPredictions(hashes, [*labels], references, probabilities)


def hash_number(number: int) -> str:
    """Return a hash; hashes sort in the order of their numbers."""
    return f"{number:04x}" + hashlib.sha256(str(number).encode()).hexdigest()[4:]


def entry(
    name: str,
    score: float,
    *,
    split: str = ONE,
    dataset: str = "ann/news",
    metric: str = "accuracy",
    origin: Origin = "Hub",
    **options: Any,
) -> Entry:
    """Return a model's score."""
    return Entry(name, origin, Setting(dataset, split, metric), score, **options)


def verified(name: str, score: float, **options: Any) -> Entry:
    """Return a score that the Hub verified, so that it is ranked without predictions."""
    return entry(name, score, is_verified_by_hub=True, **options)


def write_card(
    scores: Mapping[str, Any],
    *,
    dataset: str = "ann/news",
    revision: Any = ONE,
    tags: Sequence[str] = ("hf-newscls", "recipe:tiny"),
) -> str:
    """Return a model card with a model-index of one result."""
    metrics = [{"type": "f1", "name": name_metric(name), "value": value} for name, value in scores.items()]
    about = {"type": dataset, "name": dataset, "config": "default", "split": "test", "revision": revision}
    result = {"task": {"type": "text-classification"}, "dataset": about, "metrics": metrics}
    if revision is None:
        del about["revision"]
    content = {"tags": [*tags], "model-index": [{"name": "tiny", "results": [result]}]}
    return f"---\n{yaml.safe_dump(content)}---\n\n# A model\n"


def write_metrics(
    scores: Mapping[str, Any], *, fingerprint: str = ONE, intervals: Mapping[str, Interval] | None = None
) -> str:
    """Return a metrics.json."""
    ends = {name: [interval.low, interval.high] for name, interval in (intervals or {}).items()}
    return json.dumps({"test": {**scores, "rows": 20}, "intervals": ends, "split_fingerprint": fingerprint})


def build_files(
    right: int, *, claimed: float | None = None, revision: str = ONE, labels: Sequence[str] = LABELS, **card: Any
) -> dict[str, bytes]:
    """Return the files of a model that answers `right` of 20 rows correctly, and claims that or another accuracy."""
    claim = right / 20 if claimed is None else claimed
    return {
        "README.md": write_card({"accuracy": claim}, revision=revision, **card).encode(),
        "metrics.json": write_metrics({"accuracy": claim}, fingerprint=revision).encode(),
        "predictions.parquet": predictions_to_parquet(answer(right, labels=labels)),
    }
