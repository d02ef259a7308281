"""The order of the training rows, epoch by epoch: a pure function of seed and epoch.

The Trainer's own length-grouped sampler draws from torch's global generator, so a run that is resumed within an epoch
would train on other batches. Here it gets the batches that the interrupted run had left.
"""

import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset
from numpy.typing import NDArray
from torch.utils.data import Sampler
from transformers import TrainerCallback, TrainerState

from hf_newscls.recipe.training import SamplingSection

# Rows are sorted by length within this many batches. More batches save no more padding and make the order less random.
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
    """Return the row indices of an epoch in random order, or in random batches of similar length.

    For batches of similar length, rows are shuffled, sorted by length within fifty batches, and cut into batches,
    which are shuffled. The last batch stays last if it is shorter.

    Args:
        lengths: tokens of each row.
        batch_rows: rows of an optimizer step, over all devices.
        epoch: counted from 0.
        is_grouped: put rows of similar length into one batch.
        weights: draw rows with replacement, with these weights; None: each row once.

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


def measure_lengths(dataset: Dataset) -> list[int]:
    """Return the number of tokens of each row, without making Python objects of the tokens."""
    column: pa.ChunkedArray = dataset.with_format("arrow")[:]["input_ids"]
    lengths: list[int] = pc.list_value_length(column).to_pylist()
    return lengths


def weigh_rows(labels: Sequence[int], section: SamplingSection) -> list[float]:
    """Return the weight with which each row is drawn, from the label ids of the rows.

    With `balanced`, the weights of a label's rows sum to 1; with `square_root`, to the square root of their number.

    >>> weigh_rows([0, 0, 0, 0, 1], SamplingSection(labels="square_root"))
    [0.5, 0.5, 0.5, 0.5, 1.0]
    """
    counts = Counter(labels)
    power = 1.0 if section.labels == "balanced" else 0.5
    return [float(counts[label] ** -power) for label in labels]


def compute_useful_fraction(
    tokens: Sequence[int], order: Sequence[int], *, batch_size: int, lengths: Sequence[int]
) -> float:
    """Return the fraction of tokens in padded batches that are not padding, for rows in the order of an epoch.

    The `lengths` that batches can be padded to ascend, and the last one fits every row.

    >>> compute_useful_fraction([8, 4, 16, 16], [0, 1, 2, 3], batch_size=2, lengths=[8, 16])
    0.9166666666666666
    """
    ordered: NDArray[np.int64] = np.asarray(tokens)[np.asarray(order)]
    batches = [ordered[start : start + batch_size] for start in range(0, len(ordered), batch_size)]
    padded = sum(len(batch) * lengths[bisect_left(lengths, batch.max())] for batch in batches)
    return float(ordered.sum() / padded)


class EpochSampler(Sampler[int]):
    """Row indices in the order of the current epoch, which `EpochCallback` sets; `options` are for `order_rows`."""

    def __init__(self, lengths: Sequence[int], **options: Any) -> None:
        self._lengths = lengths
        self._options = options
        self.epoch = 0

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        """Iterate over the row indices of the epoch."""
        return iter(order_rows(self._lengths, epoch=self.epoch, **self._options))


class EpochCallback(TrainerCallback):
    """Set the epoch of a sampler, also when a run is resumed.

    accelerate does the same, but not through all the layers that it puts around a sampler on several devices.
    """

    def __init__(self, sampler: EpochSampler) -> None:
        self._sampler = sampler

    def on_epoch_begin(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        """Set the epoch before its first batch is drawn."""
        self._sampler.epoch = int(state.epoch or 0)
