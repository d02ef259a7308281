"""Losses for rare labels, for the Trainer's `compute_loss_func`.

Each loss is a sum over rows, divided by the rows of all accumulated batches on all devices: a batch in four parts has
the loss of the whole batch. The mean weight over the training rows is 1, so learning rates keep their meaning.

Shape letters: B batch, L labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hf_newscls.recipe.training import LossSection


@dataclass(frozen=True)
class RowLoss:
    """A weighted cross-entropy of adjusted logits."""

    weights: Tensor  # (L,), weight of a row by its label
    # (L,), added to the logits in training only: for logit adjustment (Menon et al. 2021) tau times the logarithm of
    # the label's fraction of the rows, else zeros.
    margins: Tensor
    # Exponent of (1 - p), the factor of a row; p is the probability of its label (Lin et al. 2017). 0: all rows count
    # the same.
    gamma: float = 0.0
    # Fraction of each target that is spread over all labels (Szegedy et al. 2016, 1512.00567).
    label_smoothing: float = 0.0

    def __call__(self, outputs: Any, labels: Tensor, num_items_in_batch: Tensor | int | None = None) -> Tensor:
        """Return the loss of logits (B, L) and label ids (B,).

        `num_items_in_batch` counts the rows of all batches accumulated with this one; None: B.
        """
        logits = outputs.logits.float() + self.margins.to(outputs.logits.device)
        rows = nn.functional.cross_entropy(logits, labels, reduction="none", label_smoothing=self.label_smoothing)
        if self.gamma:
            # At 0 a power below 1 has no derivative.
            wrong = (-torch.expm1(-rows)).clamp(min=torch.finfo(rows.dtype).tiny)
            rows = rows * wrong**self.gamma
        total: Tensor = (rows * self.weights.to(rows.device)[labels]).sum()
        return total / (len(labels) if num_items_in_batch is None else num_items_in_batch)


def build_loss(section: LossSection, labels: Sequence[int], *, num_labels: int) -> RowLoss | None:
    """Return the loss for training rows with these label ids; None if the model computes it itself."""
    if section.is_plain:
        return None
    counts = np.bincount(labels, minlength=num_labels)
    margins = np.zeros(num_labels)
    if section.name == "logit_adjustment":
        # A label without rows counts as if it had one: the logarithm of 0 is infinite.
        margins = section.numbers["tau"] * np.log(np.maximum(counts, 1) / counts.sum())
    return RowLoss(
        weights=torch.tensor(compute_class_weights(section, counts), dtype=torch.float32),
        margins=torch.tensor(margins, dtype=torch.float32),
        gamma=section.numbers.get("gamma", 0.0),
        label_smoothing=section.label_smoothing,
    )


def compute_class_weights(section: LossSection, counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the weight of a row by its label, (L,), from the training rows of each label, (L,).

    The mean over all rows is 1; Cui et al. 2019 scale theirs to the number of labels. A label without rows gets the
    weight of one row.

    >>> compute_class_weights(LossSection(class_weights="balanced"), np.array([6, 2])).round(3).tolist()
    [0.667, 2.0]
    """
    rows = np.maximum(counts, 1)
    if section.class_weights is None:
        return np.ones(len(counts))
    weights = 1 / rows
    if section.class_weights == "effective_number":
        beta = section.numbers["beta"]
        weights = (1 - beta) / (1 - beta**rows)
    scaled: NDArray[np.float64] = weights * counts.sum() / (counts * weights).sum()
    return scaled
