"""How long a training on a CPU takes, from the speed of the model on a few of its rows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datasets import Dataset

    from hf_newscls.modeling.loading import PretrainedClassifier
    from hf_newscls.recipe.recipe import Recipe
    from hf_newscls.training.schedule import TwoStageSchedule

_ROWS = 8
_TIMED_PASSES = 4
# The backward pass takes twice as long as the forward pass.
_PASSES = 3


def estimate_seconds(
    recipe: Recipe,
    train: Dataset,
    classifier: PretrainedClassifier,
    *,
    schedule: TwoStageSchedule,
    batch_rows: int,
    bf16: bool,
) -> float:
    """Return about how many seconds the steps of a training take, without evaluations.

    Args:
        recipe: of the training.
        train: its training rows.
        classifier: the model before the training.
        schedule: the steps of both stages.
        batch_rows: training rows of a step.
        bf16: whether the training multiplies in bfloat16.
    """
    rows = train.select(range(0, len(train), max(1, len(train) // _ROWS)))["text"][:_ROWS]
    seconds = _time_forward(classifier, rows, max_length=recipe.model.max_length, bf16=bf16) / len(rows)
    first, second = schedule.boundary_step, schedule.total_steps - schedule.boundary_step
    is_cached = recipe.freeze is not None and recipe.freeze.cache_features
    encoded = min(len(train), first * batch_rows) if is_cached else first * batch_rows
    return seconds * (encoded + _PASSES * second * batch_rows)


def _time_forward(classifier: PretrainedClassifier, texts: list[str], *, max_length: int, bf16: bool) -> float:
    """Return the seconds of a forward pass without padding; the training groups texts of like length."""
    import torch

    batch = classifier.tokenizer(texts, truncation=True, max_length=max_length, padding=True, return_tensors="pt")
    seconds = []
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
        for _ in range(_TIMED_PASSES):
            start = time.perf_counter()
            classifier.model(**batch)
            seconds.append(time.perf_counter() - start)
    # The first pass warms up, and other programs slow some down.
    return min(seconds) * float(batch["attention_mask"].float().mean())
