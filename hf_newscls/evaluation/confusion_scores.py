"""Scores of many confusion matrices at once.

Shape letters: R matrices, L labels.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def score_confusions(confusions: Floats, *, is_counted: NDArray[np.bool_] | None = None) -> dict[str, Floats]:
    """Score each confusion matrix; names are those of `compute_scores`, each score has shape (R,).

    Args:
        confusions: (R, L, L), references by predictions.
        is_counted: (R, L), the labels that macro averages cover; None for all.

    >>> score_confusions(np.array([[[3.0, 1.0], [0.0, 4.0]]]))["accuracy"].tolist()
    [0.875]
    """
    support, predicted, hits = confusions.sum(axis=2), confusions.sum(axis=1), _take_diagonals(confusions)
    rows = support.sum(axis=1)
    by_label = {
        "precision": hits / np.maximum(predicted, 1),
        "recall": hits / np.maximum(support, 1),
        "f1": compute_f1(confusions),
    }
    scores = {
        "accuracy": hits.sum(axis=1) / rows,
        "balanced_accuracy": by_label["recall"].sum(axis=1) / (support > 0).sum(axis=1),
        "mcc": _compute_mcc(hits.sum(axis=1), support, predicted),
    }
    counted = np.ones_like(support) if is_counted is None else is_counted.astype(np.float64)
    for average, weights in (("macro", counted), ("weighted", support)):
        scores |= {
            f"{name}_{average}": (values * weights).sum(axis=1) / weights.sum(axis=1)
            for name, values in by_label.items()
        }
    return scores


def compute_f1(confusions: Floats) -> Floats:
    """Return the F1 of each label, shape (R, L); 0 for a label without rows and predictions."""
    f1: Floats = 2 * _take_diagonals(confusions) / np.maximum(confusions.sum(axis=1) + confusions.sum(axis=2), 1)
    return f1


def _take_diagonals(confusions: Floats) -> Floats:
    diagonals: Floats = np.einsum("rll->rl", confusions)
    return diagonals


def _compute_mcc(hits: Floats, support: Floats, predicted: Floats) -> Floats:
    rows = support.sum(axis=1)
    variances = (rows**2 - (predicted**2).sum(axis=1)) * (rows**2 - (support**2).sum(axis=1))
    covariance = hits * rows - (predicted * support).sum(axis=1)
    mcc: Floats = np.divide(covariance, np.sqrt(variances), out=np.zeros_like(covariance), where=variances > 0)
    return mcc
