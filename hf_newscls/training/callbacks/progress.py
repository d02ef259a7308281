"""What a training shows while it runs."""

import logging
from typing import Any

from transformers import ProgressCallback, TrainerCallback, TrainerState

logger = logging.getLogger(__name__)


class ProgressBarCallback(ProgressCallback):
    """The Trainer's progress bar, without a dictionary for each logged step."""

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Write nothing; `log_history` has the values."""


class EpochLogCallback(TrainerCallback):
    """Log one line for each evaluation."""

    def on_evaluate(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        """Log the scores on the validation set."""
        metrics = kwargs["metrics"]
        logger.info(
            "epoch %.2f, step %d of %d: validation log loss %.4f, accuracy %.4f, macro F1 %.4f",
            state.epoch,
            state.global_step,
            state.max_steps,
            metrics["eval_log_loss"],
            metrics["eval_accuracy"],
            metrics["eval_f1_macro"],
        )
