"""End a training that has stopped getting better, once everything learns."""

import logging
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

__all__ = ["SecondStageEarlyStopping"]

logger = logging.getLogger(__name__)


class SecondStageEarlyStopping(TrainerCallback):
    """Stop after some evaluations of stage 2 without a new best.

    transformers' own EarlyStoppingCallback would count those of stage 1 too, and so might end a run before anything
    was unfrozen; and it counts from 0 again in a resumed run. Here the count follows from the Trainer's log alone.

    Args:
        patience: evaluations in a row without a new best, at least 1.
        boundary_step: the first optimizer step of stage 2.
    """

    def __init__(self, *, patience: int, boundary_step: int) -> None:
        self._patience = patience
        self._boundary_step = boundary_step

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Look back; the Trainer has just judged the evaluation that belongs to this checkpoint."""
        best = max(state.best_global_step or 0, self._boundary_step)
        waited = sum("eval_loss" in entry and entry["step"] > best for entry in state.log_history)
        if waited >= self._patience:
            logger.info("step %d: no new best in %d evaluations, training ends", state.global_step, waited)
            control.should_training_stop = True
