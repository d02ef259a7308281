"""End a training whose validation score has stopped improving in stage 2."""

import logging
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

logger = logging.getLogger(__name__)


class SecondStageEarlyStopping(TrainerCallback):
    """Stop after some evaluations of stage 2 in a row without a new best score.

    transformers' EarlyStoppingCallback also counts evaluations of stage 1, and starts from 0 in a resumed run. Here the
    count follows from the Trainer's log. The score is `metric_for_best_model`.
    """

    def __init__(self, *, patience: int, boundary_step: int) -> None:
        self._patience = patience
        self._boundary_step = boundary_step

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Count the evaluations since the best one, which may be one of stage 1."""
        metric = f"eval_{(args.metric_for_best_model or 'loss').removeprefix('eval_')}"
        sign = 1 if args.greater_is_better else -1
        scores = {entry["step"]: sign * entry[metric] for entry in state.log_history if metric in entry}
        best = max(scores, key=lambda step: scores[step], default=0)  # the first one of equal scores
        waited = sum(step > max(best, self._boundary_step) for step in scores)
        if waited >= self._patience:
            logger.info("step %d: no new best score in %d evaluations; training ends", state.global_step, waited)
            control.should_training_stop = True
