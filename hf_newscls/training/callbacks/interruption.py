"""Ctrl-C and SIGTERM write a checkpoint and leave."""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch
from accelerate.utils import reduce
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hf_newscls.errors import TrainingInterrupted

__all__ = ["InterruptionCallback"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

logger = logging.getLogger(__name__)


class InterruptionCallback(TrainerCallback):
    """Save a checkpoint at the end of the step in which a signal came, then raise `TrainingInterrupted`.

    Raises instead of asking the Trainer to stop, for then it would go on to prune the very checkpoint that was saved
    if an earlier one is better. Where the step ends an epoch, its evaluation comes first, as in a run that goes on.
    Several processes leave together, at the next step that is logged: they meet there anyway.
    """

    def __init__(self) -> None:
        self._is_asked = False
        self._is_leaving = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen for signals; a second one ends the process as if nobody did. Only the main thread can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._ask) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Ask for a checkpoint, unless the epoch ends here."""
        is_epoch_end = float(state.epoch or 0).is_integer()
        if args.world_size == 1 and self._is_asked and not is_epoch_end:
            self._is_leaving = control.should_save = True

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Ask for a checkpoint after the epoch's evaluation."""
        if args.world_size == 1 and self._is_asked:
            self._is_leaving = control.should_save = True

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Agree with the other processes: one that left alone would leave them waiting."""
        if args.world_size > 1 and "loss" in kwargs["logs"]:
            asked = reduce(torch.tensor(float(self._is_asked), device=args.device), reduction="sum")
            if asked.item():
                self._is_leaving = control.should_save = True

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Leave once the checkpoint is written."""
        if self._is_leaving:
            raise TrainingInterrupted(
                f"{args.output_dir}: training must run to step {state.max_steps}, it was stopped at step "
                f"{state.global_step}, got a checkpoint there; the same command goes on from it"
            )

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self._is_asked:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self._is_asked = True
        logger.info("%s: saving a checkpoint after this step; once more to leave at once", signal.Signals(number).name)
