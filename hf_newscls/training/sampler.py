"""The order of the rows, or which are drawn, epoch by epoch: a pure function of seed and epoch.

The stock length-grouped sampler draws from torch's global generator when an epoch begins. A run resumed within that
epoch has another state there and trains on other batches; here it trains on the very batches that were left.
"""

import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hf_newscls.recipe.training import SamplingSection

__all__ = ["EpochCallback", "EpochSampler", "compute_useful_fraction", "order_rows", "weigh_rows"]

# Batches sorted together. More leave less padding and less chance: beyond fifty there is nothing left to gain.
_SORTED_BATCHES = 50


def order_rows(
    lengths: Sequence[int],
    *,
    batch_rows: int,
    seed: int,
    epoch: int,
    is_grouped: bool,
    weights: Sequence[float] | None = None,
) -> list[int]:
    """Return the order of an epoch: every row once, at random, or at random in batches of like length.

    Grouped, rows are shuffled, sorted by length among the rows of fifty batches, cut into batches, and the batches
    shuffled. A last, shorter batch stays last.

    Args:
        lengths: tokens of each row.
        batch_rows: rows that should be alike: those of one optimizer step, over all devices.
        seed: of the run.
        epoch: counted from 0.
        is_grouped: whether batches are of like length.
        weights: of each row; then as many rows are drawn as there are, with replacement, each by its weight.

    >>> order_rows([3, 9, 3, 9, 5], batch_rows=2, seed=1, epoch=0, is_grouped=True)
    [1, 4, 2, 0, 3]
    """
    generator = random.Random(f"{seed}/{epoch}")
    order = [*range(len(lengths))]
    if weights is None:
        generator.shuffle(order)
    else:
        order = generator.choices(order, weights=weights, k=len(order))
    if not is_grouped:
        return order
    whole = len(order) - len(order) % batch_rows
    batches = []
    for start in range(0, whole, _SORTED_BATCHES * batch_rows):
        part = sorted(order[start : min(start + _SORTED_BATCHES * batch_rows, whole)], key=lambda row: -lengths[row])
        batches += [part[index : index + batch_rows] for index in range(0, len(part), batch_rows)]
    generator.shuffle(batches)
    return [row for batch in (*batches, order[whole:]) for row in batch]


def weigh_rows(labels: Sequence[int], section: SamplingSection) -> list[float]:
    """Return by what weight each row is drawn.

    Balanced, the rows of each label weigh 1 together; by the square root, the root of their number.

    Args:
        labels: label id of each row.
        section: the recipe's sampling section.

    >>> weigh_rows([0, 0, 0, 0, 1], SamplingSection(labels="square_root"))
    [0.5, 0.5, 0.5, 0.5, 1.0]
    """
    counts = Counter(labels)
    power = 1.0 if section.labels == "balanced" else 0.5
    return [float(counts[label] ** -power) for label in labels]


def compute_useful_fraction(
    tokens: Sequence[int], order: Sequence[int], *, batch_size: int, lengths: Sequence[int]
) -> float:
    """Return the fraction of tokens in padded batches that are no padding.

    Args:
        tokens: of each row.
        order: of the rows.
        batch_size: rows of a batch.
        lengths: that a batch may be padded to, ascending; the last one holds every row.

    >>> compute_useful_fraction([8, 4, 16, 16], [0, 1, 2, 3], batch_size=2, lengths=[8, 16])
    0.9166666666666666
    """
    ordered: NDArray[np.int64] = np.asarray(tokens)[np.asarray(order)]
    batches = [ordered[start : start + batch_size] for start in range(0, len(ordered), batch_size)]
    padded = sum(len(batch) * lengths[bisect_left(lengths, batch.max())] for batch in batches)
    return float(ordered.sum() / padded)


class EpochSampler(Sampler[int]):
    """Row indices in the order of the present epoch, which `EpochCallback` sets.

    Args:
        lengths: tokens of each row.
        batch_rows: rows of one optimizer step.
        seed: of the run.
        is_grouped: whether batches are of like length.
        weights: of each row, by which it is drawn; None takes every row once.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        *,
        batch_rows: int,
        seed: int,
        is_grouped: bool,
        weights: Sequence[float] | None = None,
    ) -> None:
        self._lengths = lengths
        self._options: dict[str, Any] = {"batch_rows": batch_rows, "seed": seed, "is_grouped": is_grouped}
        self._options["weights"] = weights
        self.epoch = 0

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        """Return the rows of the epoch."""
        return iter(order_rows(self._lengths, epoch=self.epoch, **self._options))


class EpochCallback(TrainerCallback):
    """Tells a sampler the epoch, the one that a run is resumed in included.

    accelerate would do it too, but not through all of the layers it puts around a sampler on several devices.
    """

    def __init__(self, sampler: EpochSampler) -> None:
        self._sampler = sampler

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Set the epoch before its first batch is drawn."""
        self._sampler.epoch = int(state.epoch or 0)
