"""Save a checkpoint on Ctrl-C and SIGTERM, then stop."""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch
from accelerate.utils import gather
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hf_newscls.errors import TrainingInterrupted

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

logger = logging.getLogger(__name__)


class InterruptionCallback(TrainerCallback):
    """Save a checkpoint after the step in which a signal came, then raise `TrainingInterrupted`.

    Not a request to stop: the Trainer would then delete the new checkpoint if an earlier one is better. After the last
    step of an epoch or of the training, the evaluation comes first. Several processes stop together, at the next
    logged step.
    """

    def __init__(self) -> None:
        self._signal = 0  # the number of the signal that came
        self._is_stopping = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle signals in the main thread; a second signal ends the process at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._request) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Request a checkpoint, unless the epoch or the training ends here."""
        is_epoch_end = float(state.epoch or 0).is_integer() or state.global_step >= state.max_steps
        if args.world_size == 1 and self._signal and not is_epoch_end:
            self._is_stopping = control.should_save = True

    def on_epoch_end(self, args: TrainingArguments, state: Any, control: TrainerControl, **kwargs: Any) -> None:
        """Request a checkpoint after the evaluation of the epoch."""
        if args.world_size == 1 and self._signal:
            self._is_stopping = control.should_save = True

    def on_log(self, args: TrainingArguments, state: Any, control: TrainerControl, **kwargs: Any) -> None:
        """Agree with the other processes; they would wait for one that stopped by itself."""
        if args.world_size > 1 and "loss" in kwargs["logs"]:
            self._signal = int(gather(torch.tensor([self._signal], device=args.device)).max())
            if self._signal:
                self._is_stopping = control.should_save = True

    def on_save(self, args: TrainingArguments, state: TrainerState, control: Any, **kwargs: Any) -> None:
        """Stop once the checkpoint is written; the signal may have come in the evaluation before it."""
        if self._is_stopping or (args.world_size == 1 and self._signal):
            raise TrainingInterrupted(
                f"{args.output_dir}: interrupted at step {state.global_step} of {state.max_steps}, checkpoint saved; "
                "run the same command to resume",
                signal_number=self._signal,
            )

    def _request(self, number: int, frame: FrameType | None) -> None:
        if self._signal:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self._signal = number
        name = signal.Signals(number).name
        logger.info("%s: saving a checkpoint after this step; a second signal stops at once", name)
