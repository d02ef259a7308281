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
    arguments, state, control = (
        TrainingArguments(tmp_path, use_cpu=True),
        TrainerState(epoch=0.5, max_steps=4),
        TrainerControl(),
    )
    callback = InterruptionCallback()
    with callback.listening():
        signal.raise_signal(number)
    callback.on_step_end(arguments, state, control)
    assert control.should_save
    with pytest.raises(TrainingInterrupted) as caught:
        callback.on_save(arguments, state, control)
    assert caught.value.exit_code == code


def test_training_goes_on_without_a_signal(tmp_path: Path) -> None:
    arguments, state, control = (
        TrainingArguments(tmp_path, use_cpu=True),
        TrainerState(epoch=0.5, max_steps=4),
        TrainerControl(),
    )
    callback = InterruptionCallback()
    callback.on_step_end(arguments, state, control)
    callback.on_save(arguments, state, control)
    assert not control.should_save


def test_last_step_is_evaluated_before_its_checkpoint(tmp_path: Path) -> None:
    arguments, control = TrainingArguments(tmp_path, use_cpu=True), TrainerControl()
    state = TrainerState(epoch=1.5, global_step=3, max_steps=3)
    callback = InterruptionCallback()
    with callback.listening():
        signal.raise_signal(signal.SIGTERM)
    callback.on_step_end(arguments, state, control)
    assert not control.should_save
    callback.on_epoch_end(arguments, state, control)
    assert control.should_save


def test_signal_in_an_evaluation_stops_at_the_checkpoint_after_it(tmp_path: Path) -> None:
    arguments, state = TrainingArguments(tmp_path, use_cpu=True), TrainerState(epoch=2.0, global_step=4, max_steps=4)
    callback = InterruptionCallback()
    callback.on_epoch_end(arguments, state, TrainerControl())
    with callback.listening():
        signal.raise_signal(signal.SIGTERM)
    with pytest.raises(TrainingInterrupted):
        callback.on_save(arguments, state, TrainerControl())
