"""Scores that follow from a confusion matrix alone, of many matrices at once.

Shape letters: R matrices, L labels.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["compute_f1", "score_confusions"]

Table = NDArray[np.float64]


def score_confusions(confusions: Table, *, is_counted: NDArray[np.bool_] | None = None) -> dict[str, Table]:
    """Score each of (R, L, L) confusions, references first, as `compute_scores` does; each score has shape (R,).

    Args:
        confusions: of labels by predictions.
        is_counted: (R, L), the labels that macro averages are of; None for all.

    >>> score_confusions(np.array([[[3.0, 1.0], [0.0, 4.0]]]))["accuracy"].tolist()
    [0.875]
    """
    support, predicted = confusions.sum(axis=2), confusions.sum(axis=1)
    hits, rows = _select_hits(confusions), support.sum(axis=1)
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
    scores |= {
        f"{name}_macro": (values * counted).sum(axis=1) / counted.sum(axis=1) for name, values in by_label.items()
    }
    return scores | {f"{name}_weighted": (values * support).sum(axis=1) / rows for name, values in by_label.items()}


def compute_f1(confusions: Table) -> Table:
    """Return the F1 of each label, shape (R, L): 2 hits / (predicted + support), 0 where there is neither."""
    f1: Table = 2 * _select_hits(confusions) / np.maximum(confusions.sum(axis=1) + confusions.sum(axis=2), 1)
    return f1


def _select_hits(confusions: Table) -> Table:
    hits: Table = np.einsum("rll->rl", confusions)
    return hits


def _compute_mcc(hits: Table, support: Table, predicted: Table) -> Table:
    rows = support.sum(axis=1)
    spread = (rows**2 - (predicted**2).sum(axis=1)) * (rows**2 - (support**2).sum(axis=1))
    excess = hits * rows - (predicted * support).sum(axis=1)
    mcc: Table = np.divide(excess, np.sqrt(spread), out=np.zeros_like(excess), where=spread > 0)
    return mcc
