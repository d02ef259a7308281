"""Classification metrics from probabilities and from confusion matrices, and as an `evaluate.Metric`.

Shape letters: N rows, L labels, R confusion matrices.
"""

from collections.abc import Sequence
from typing import Any

import datasets
import evaluate
import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    confusion_matrix,
    log_loss,
    precision_recall_fscore_support,
    roc_auc_score,
)

from hf_newscls.evaluation.calibration.reliability import compute_reliability

Floats = NDArray[np.float64]
LabelScores = dict[str, dict[str, int | float]]
"""By label name: precision, recall, f1 (fractions) and support (rows)."""


def compute_scores(
    probabilities: ArrayLike, references: ArrayLike, *, top_k: Sequence[int], counts_absent: bool = True
) -> dict[str, float]:
    """Compute the scores of a set of rows.

    Args:
        probabilities: (N, L), each row sums to 1.
        references: (N,) label ids in [0, L).
        top_k: each k adds `top_k_accuracy`, the fraction of rows with their label among the k most probable.
        counts_absent: whether macro averages cover labels without rows.

    Returns:
        All scores by name. They lie in [0, 1] unless noted.

        - accuracy; balanced_accuracy, the mean recall of the labels that have rows
        - mcc, in [-1, 1], 0 by chance
        - precision, recall and f1 as `_macro` and `_weighted`: a label without rows or predictions counts 0
        - roc_auc and average_precision of the second label: only for two labels that both have rows
        - log_loss in nats; brier_score, up to 2 for more than two labels; calibration_error over 15 bins
    """
    probabilities, references = np.asarray(probabilities, dtype=np.float64), np.asarray(references)
    # scikit-learn's functions of the same names warn where some labels have no rows.
    confusion = compute_confusion(probabilities, references)[None]
    is_counted = (confusion.sum(axis=2) > 0) | counts_absent
    counted = score_confusions(confusion.astype(np.float64), is_counted=is_counted)
    ranks = rank_references(probabilities, references)
    return {
        **{name: float(values[0]) for name, values in counted.items()},
        **{f"top_{k}_accuracy": float(np.mean(ranks < k)) for k in top_k},
        **_score_probabilities(probabilities, references),
    }


def _score_probabilities(probabilities: Floats, references: NDArray[np.int64]) -> dict[str, float]:
    labels, scores = np.arange(probabilities.shape[1]), {}
    if len(labels) == len(np.unique(references)) == 2:
        scores["roc_auc"] = float(roc_auc_score(references, probabilities[:, 1]))
        scores["average_precision"] = float(average_precision_score(references, probabilities[:, 1]))
    # Rows of float32 sum to 1 only within 1e-7.
    normalized = probabilities / probabilities.sum(axis=1, keepdims=True)
    return scores | {
        "log_loss": float(log_loss(references, normalized, labels=labels)),
        "brier_score": float(brier_score_loss(references, normalized, labels=labels)),
        "calibration_error": compute_reliability(probabilities, references).error,
    }


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


def rank_references(probabilities: NDArray[np.floating[Any]], references: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many labels rank above each row's own, shape (N,); of equal probabilities the lower id ranks higher.

    >>> rank_references(np.array([[0.2, 0.2, 0.6]]), np.array([1])).tolist()
    [2]
    """
    own = np.take_along_axis(probabilities, references[:, None], axis=1)
    above: NDArray[np.int64] = (probabilities > own).sum(axis=1)
    above += ((probabilities == own) & (np.arange(probabilities.shape[1]) < references[:, None])).sum(axis=1)
    return above


def score_confusions(confusions: Floats, *, is_counted: NDArray[np.bool_] | None = None) -> dict[str, Floats]:
    """Score each confusion matrix; names are those of `compute_scores`, each score has shape (R,).

    Args:
        confusions: (R, L, L), references by predictions.
        is_counted: (R, L), the labels that macro averages cover; None for all.
    """
    support, predicted, hits = confusions.sum(axis=2), confusions.sum(axis=1), np.einsum("rll->rl", confusions)
    by_label = {
        "precision": hits / np.maximum(predicted, 1),
        "recall": hits / np.maximum(support, 1),
        "f1": compute_f1(confusions),
    }
    scores = {
        "accuracy": hits.sum(axis=1) / support.sum(axis=1),
        "balanced_accuracy": by_label["recall"].sum(axis=1) / (support > 0).sum(axis=1),
        "mcc": _compute_mcc(hits.sum(axis=1), support, predicted),
    }
    counted = np.ones_like(support) if is_counted is None else is_counted.astype(np.float64)
    for average, weights in (("macro", counted), ("weighted", support)):
        for name, values in by_label.items():
            scores[f"{name}_{average}"] = (values * weights).sum(axis=1) / weights.sum(axis=1)
    return scores


def compute_f1(confusions: Floats) -> Floats:
    """Return the F1 of each label, shape (R, L); 0 for a label without rows and predictions."""
    f1: Floats = 2 * np.einsum("rll->rl", confusions) / np.maximum(confusions.sum(axis=1) + confusions.sum(axis=2), 1)
    return f1


def _compute_mcc(hits: Floats, support: Floats, predicted: Floats) -> Floats:
    rows = support.sum(axis=1)
    variances = (rows**2 - (predicted**2).sum(axis=1)) * (rows**2 - (support**2).sum(axis=1))
    covariance = hits * rows - (predicted * support).sum(axis=1)
    mcc: Floats = np.divide(covariance, np.sqrt(variances), out=np.zeros_like(covariance), where=variances > 0)
    return mcc


class NewsClassification(evaluate.Metric):  # type: ignore[misc]
    """All scores as a metric of the `evaluate` library: predictions are (N, L) probabilities, references label ids."""

    def _info(self) -> evaluate.MetricInfo:
        features = {"predictions": datasets.Sequence(datasets.Value("float64")), "references": datasets.Value("int64")}
        return evaluate.MetricInfo(
            description=str(compute_scores.__doc__),
            citation="",
            inputs_description="predictions: probabilities (N, L); references: label ids (N,); top_k: list of k.",
            features=datasets.Features(features),
        )

    def _compute(self, *, predictions: Any, references: Any, top_k: Sequence[int] = (3,)) -> dict[str, float]:
        return compute_scores(predictions, references, top_k=top_k)
