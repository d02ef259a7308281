"""What follows an evaluation: a line in the log, and the end of a training that no longer improves."""

import logging
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

logger = logging.getLogger(__name__)


class EvaluationLogCallback(TrainerCallback):
    """Log one line for each evaluation."""

    def on_evaluate(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        """Log the scores on the validation set."""
        metrics = kwargs["metrics"]
        logger.info(
            "epoch %.2f, step %s of %s: validation log loss %.4f, after calibration %.4f, accuracy %.4f, macro F1 %.4f",
            state.epoch,
            f"{state.global_step:,}",
            f"{state.max_steps:,}",
            *(metrics[f"eval_{name}"] for name in ("log_loss", "refined_log_loss", "accuracy", "f1_macro")),
        )


class SecondStageEarlyStopping(TrainerCallback):
    """Stop after `patience` evaluations of stage 2 in a row without a new best score (`metric_for_best_model`).

    transformers' EarlyStoppingCallback also counts evaluations of stage 1, and starts from 0 in a resumed run. Here the
    count follows from the Trainer's log.
    """

    def __init__(self, *, patience: int, boundary_step: int) -> None:
        self._patience = patience
        self._boundary_step = boundary_step

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Count the evaluations since the best one, which may be one of stage 1."""
        metric = f"eval_{args.metric_for_best_model}"
        sign = 1 if args.greater_is_better else -1
        scores = {entry["step"]: sign * entry[metric] for entry in state.log_history if metric in entry}
        best = max(scores, key=lambda step: scores[step], default=0)  # the first one of equal scores
        waited = sum(step > max(best, self._boundary_step) for step in scores)
        if waited >= self._patience:
            logger.info("step %d: no new best score in %d evaluations; training ends", state.global_step, waited)
            control.should_training_stop = True
