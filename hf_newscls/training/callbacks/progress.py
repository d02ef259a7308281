"""Report how far a training is, stage by stage."""

from typing import Any

from transformers import TrainerCallback, TrainerState

from hf_newscls.progress import report_progress


class ProgressReportCallback(TrainerCallback):
    """Report the steps of the stage that runs, with the loss, and the batches of each evaluation.

    transformers' own bar needs a terminal with a known width, is broken by every log line, and shows neither the stage
    nor anything before or after the training.
    """

    def __init__(self, *, boundary_step: int, total_steps: int) -> None:
        self._boundary = boundary_step
        self._total = total_steps
        self._loss = ""
        self._evaluated = 0  # batches of the evaluation that runs

    def on_train_begin(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        """Report where the training starts or resumes."""
        self._report(state.global_step, step=state.global_step)

    def on_step_end(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        """Report the step; the last one of a stage ends it."""
        self._report(state.global_step - 1, step=state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Keep the loss for the next report."""
        if "loss" in kwargs["logs"]:
            self._loss = f"loss {kwargs['logs']['loss']:.4f}"

    def on_prediction_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Report a batch of an evaluation."""
        self._evaluated += 1
        report_progress("validation", self._evaluated, len(kwargs["eval_dataloader"]), unit="batches")

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Begin to count the batches of the next evaluation."""
        self._evaluated = 0

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """End the stage, also if the training stops early."""
        self._report(self._total - 1, step=self._total)

    def _report(self, running: int, *, step: int) -> None:
        """Report `step`, counted from the beginning of the stage in which step `running` is."""
        if not self._boundary:
            report_progress("training", step, self._total, unit="steps", note=self._loss)
        elif running < self._boundary:
            report_progress("stage 1", step, self._boundary, unit="steps", note=self._loss)
        else:
            rest = self._total - self._boundary
            report_progress("stage 2", step - self._boundary, rest, unit="steps", note=self._loss)
