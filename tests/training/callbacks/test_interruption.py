"""Signals during a training."""

import signal
from pathlib import Path

import pytest
from transformers import TrainerControl, TrainerState, TrainingArguments

from hf_newscls.errors import TrainingInterrupted
from hf_newscls.training.callbacks.interruption import InterruptionCallback


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_saves_a_checkpoint_and_ends_with_its_exit_code(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    arguments, state, control = TrainingArguments(tmp_path, use_cpu=True), TrainerState(epoch=0.5), TrainerControl()
    callback = InterruptionCallback()
    with callback.listening():
        signal.raise_signal(number)
    callback.on_step_end(arguments, state, control)
    assert control.should_save
    with pytest.raises(TrainingInterrupted) as caught:
        callback.on_save(arguments, state, control)
    assert caught.value.exit_code == code


def test_training_goes_on_without_a_signal(tmp_path: Path) -> None:
    arguments, state, control = TrainingArguments(tmp_path, use_cpu=True), TrainerState(epoch=0.5), TrainerControl()
    callback = InterruptionCallback()
    callback.on_step_end(arguments, state, control)
    callback.on_save(arguments, state, control)
    assert not control.should_save
