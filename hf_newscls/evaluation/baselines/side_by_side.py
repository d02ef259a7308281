"""A model side by side with another model on the same test rows: scores, and F1 of the labels with few training rows.

Shape letters: N test rows, L labels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from hf_newscls.evaluation.statistics.bootstrap import Bootstrap
from hf_newscls.evaluation.statistics.significance import ScorePair, compare_scores, draw_scores

_RARE_LABELS = 10

Differences = Mapping[str, tuple[Any, Any]]
"""Values of model and training keys that differ between two recipes, by `section.key`: the model's value, then the
other model's; None means not set."""


@dataclass(frozen=True)
class OtherPredictions:
    """Predictions of another model for the test rows."""

    recipe_name: str
    run_name: str  # of the run folder
    differences: Differences
    probabilities: NDArray[np.float32]  # (N, L), in the order of the test rows


@dataclass(frozen=True)
class RareLabel:
    """A label with few training rows."""

    name: str
    train_rows: int
    test_rows: int
    f1: ScorePair


@dataclass(frozen=True)
class SideBySide:
    """Two models on the same test rows; names are those of the other model."""

    recipe_name: Annotated[str, Field(alias="recipe")]
    run_name: Annotated[str, Field(alias="run")]
    differences: Differences
    # accuracy and f1_macro; with more than ten labels also f1_rare, the mean F1 of `rare_labels`.
    scores: Mapping[str, ScorePair]
    # The ten labels with the fewest training rows that have test rows, rarest first, ties in label order.
    rare_labels: Sequence[RareLabel]


def build_side_by_side(
    other: OtherPredictions,
    own: NDArray[np.float32],
    references: NDArray[np.int64],
    *,
    train_counts: NDArray[np.int64],
    label_names: Sequence[str],
    bootstrap: Bootstrap,
) -> SideBySide:
    """Score both models on the same rows and draws.

    The intervals cover the choice of test rows only: each model is one training, and other seeds would change it too.

    Args:
        own: the model's probabilities, (N, L).
        train_counts: (L,) training rows of each label.
        bootstrap: strata are ignored.
    """
    first, second = (draw_scores(one, references, bootstrap) for one in (own, other.probabilities))
    scores = {name: compare_scores(first.by_metric[name], second.by_metric[name]) for name in ("accuracy", "f1_macro")}
    supports = np.bincount(references, minlength=len(label_names))
    rare = [label for label in np.argsort(train_counts, kind="stable").tolist() if supports[label]][:_RARE_LABELS]
    if len(label_names) > _RARE_LABELS:
        scores["f1_rare"] = compare_scores(first.average_f1(rare), second.average_f1(rare))
    rare_labels = [
        RareLabel(
            name=label_names[label],
            train_rows=int(train_counts[label]),
            test_rows=int(supports[label]),
            f1=compare_scores(first.by_label[label], second.by_label[label]),
        )
        for label in rare
    ]
    return SideBySide(other.recipe_name, other.run_name, other.differences, scores, rare_labels)
