"""Stop a trial that is worse than half of the others at the same point of their trainings."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hf_newscls.distributed import run_on_main

if TYPE_CHECKING:
    from optuna.trial import Trial


class PruningCallback(TrainerCallback):
    """Report the validation score of each evaluation, and stop the training if the study says so.

    The point of a training is the percentage of its steps, because trials have different numbers of epochs. The
    learning rate falls over the whole training, so one epoch of two is further along than one epoch of six.
    """

    def __init__(self, attach: Callable[[], "Trial"]) -> None:
        self._attach = attach  # returns the trial; called in the main process only
        self.is_pruned = False

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Report the score that chooses the best checkpoint; all processes stop together."""
        score = kwargs["metrics"][f"eval_{args.metric_for_best_model}"]
        point = round(100 * state.global_step / state.max_steps)
        if run_on_main(lambda: self._report(float(score), point)):
            self.is_pruned = control.should_training_stop = True

    def _report(self, score: float, point: int) -> bool:
        trial = self._attach()
        # A trial that starts again has reported its first points already.
        if (
            math.isfinite(score)
            and point not in trial.study.get_trials(deepcopy=False)[trial.number].intermediate_values
        ):
            trial.report(score, point)
        return point < 100 and trial.should_prune()
