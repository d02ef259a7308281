"""Classification metrics from probabilities, as plain functions and as an `evaluate.Metric`.

Shape letters: N rows, L labels.
"""

from collections.abc import Sequence
from typing import Any

import datasets
import evaluate
import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support

__all__ = [
    "LabelScores",
    "NewsClassification",
    "compute_confusion",
    "compute_label_scores",
    "compute_losses",
    "compute_scores",
    "find_top_k_hits",
]

LabelScores = dict[str, dict[str, float]]
"""By label name: precision, recall, f1 (fractions) and support (rows)."""


def compute_scores(probabilities: ArrayLike, references: ArrayLike, *, top_k: Sequence[int]) -> dict[str, float]:
    """Compute the scores of a whole set.

    Args:
        probabilities: (N, L), each row sums to 1.
        references: (N,) label ids in [0, L).
        top_k: each k gives `top_k_accuracy`: the share of rows whose label is among the k most probable.

    Returns:
        accuracy, precision, recall and f1 as `_macro` and `_weighted` (macro over all L labels, a label without rows
        or predictions counts 0), `top_K_accuracy` for each k, and log_loss in nats. All but the last lie in [0, 1].
    """
    probabilities, references = np.asarray(probabilities, dtype=np.float64), np.asarray(references)
    labels = np.arange(probabilities.shape[1])
    predictions = probabilities.argmax(axis=1)
    scores = {"accuracy": float(np.mean(predictions == references))}
    for average in ("macro", "weighted"):
        values = precision_recall_fscore_support(
            references, predictions, labels=labels, average=average, zero_division=0.0
        )
        scores |= {
            f"{name}_{average}": float(value)
            for name, value in zip(("precision", "recall", "f1"), values[:3], strict=True)
        }
    scores |= {f"top_{k}_accuracy": float(find_top_k_hits(probabilities, references, k).mean()) for k in top_k}
    scores["log_loss"] = float(log_loss(references, _normalize(probabilities), labels=labels))
    return scores


def compute_label_scores(probabilities: ArrayLike, references: ArrayLike, *, label_names: Sequence[str]) -> LabelScores:
    """Compute precision, recall, F1 and support of each label, in label order."""
    predictions = np.asarray(probabilities).argmax(axis=1)
    columns = precision_recall_fscore_support(
        np.asarray(references), predictions, labels=np.arange(len(label_names)), zero_division=0.0
    )
    return {
        name: {"precision": float(p), "recall": float(r), "f1": float(f1), "support": int(support)}
        for name, p, r, f1, support in zip(label_names, *columns, strict=True)
    }


def compute_confusion(probabilities: ArrayLike, references: ArrayLike) -> NDArray[np.int64]:
    """Count rows by reference (first axis) and prediction (second axis); shape (L, L)."""
    probabilities = np.asarray(probabilities)
    counts: NDArray[np.int64] = confusion_matrix(
        np.asarray(references), probabilities.argmax(axis=1), labels=np.arange(probabilities.shape[1])
    )
    return counts


def find_top_k_hits(probabilities: ArrayLike, references: ArrayLike, k: int) -> NDArray[np.bool_]:
    """Return for each row whether its label is among the k most probable, shape (N,).

    Of equally probable labels the lower id comes first, so the hits at 1 are those of `argmax`.
    """
    probabilities, references = np.asarray(probabilities), np.asarray(references)
    own = np.take_along_axis(probabilities, references[:, None], axis=1)
    before = (probabilities > own).sum(axis=1)
    before += ((probabilities == own) & (np.arange(probabilities.shape[1]) < references[:, None])).sum(axis=1)
    hits: NDArray[np.bool_] = before < k
    return hits


def compute_losses(probabilities: ArrayLike, references: ArrayLike) -> NDArray[np.float64]:
    """Return the log loss of each row in nats, shape (N,); their mean is the `log_loss` of `compute_scores`."""
    normalized = _normalize(np.asarray(probabilities, dtype=np.float64))
    own = np.take_along_axis(normalized, np.asarray(references)[:, None], axis=1)[:, 0]
    losses: NDArray[np.float64] = -np.log(np.maximum(own, np.finfo(np.float64).eps))
    return losses


class NewsClassification(evaluate.Metric):  # type: ignore[misc]
    """All scores at once, for whoever works with `evaluate`: no code is fetched to load it.

    `predictions` are probabilities (N, L), `references` label ids (N,).
    """

    def _info(self) -> evaluate.MetricInfo:
        features = datasets.Features(
            {"predictions": datasets.Sequence(datasets.Value("float64")), "references": datasets.Value("int64")}
        )
        return evaluate.MetricInfo(
            description=str(compute_scores.__doc__),
            citation="",
            inputs_description="predictions: probabilities (N, L); references: label ids (N,); top_k: list of k.",
            features=features,
        )

    def _compute(self, *, predictions: Any, references: Any, top_k: Sequence[int] = (3,)) -> dict[str, float]:
        return compute_scores(predictions, references, top_k=top_k)


def _normalize(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    # Probabilities come as float32, whose rows sum to 1 within 1e-7 only.
    normalized: NDArray[np.float64] = probabilities / probabilities.sum(axis=1, keepdims=True)
    return normalized
