"""Names and values that `training_arguments` may hold."""

import dataclasses
import re
from typing import Any

import pytest
from pydantic import ValidationError

from hf_newscls.recipe import training_arguments
from hf_newscls.recipe.training_arguments import build_training_arguments_model, check_training_arguments


def find_messages(arguments: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        check_training_arguments(arguments)
    return {".".join(map(str, error["loc"])): error["msg"] for error in caught.value.errors()}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("learning_rate", "2e-5", 2e-5),
        ("learning_rate", 1, 1.0),
        ("num_train_epochs", 0.5, 0.5),
        ("per_device_train_batch_size", "8", 8),
        ("warmup_steps", 0.1, 0.1),
        ("warmup_steps", 200, 200.0),
        ("max_steps", -1, -1),
        ("bf16", True, True),
        ("lr_scheduler_type", "cosine", "cosine"),
        ("eval_strategy", "steps", "steps"),
        ("save_strategy", "best", "best"),
        ("report_to", ["tensorboard"], ["tensorboard"]),
        ("metric_for_best_model", None, "loss"),
        ("metric_for_best_model", "eval_f1_macro", "f1_macro"),
        ("optim_args", None, None),
    ],
)
def test_value_becomes_what_the_trainer_declares(name: str, value: Any, expected: Any) -> None:
    found = check_training_arguments({name: value})
    assert found == {name: expected}
    assert type(found[name]) is type(expected)


def test_nothing_is_filled_in() -> None:
    assert check_training_arguments({}) == {}


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("warmup_ratio", "write `warmup_steps` with a value below 1"),
        ("evaluation_strategy", "write `eval_strategy`"),
        ("group_by_length", "write `train_sampling_strategy: group_by_length`"),
        ("no_cuda", "write `use_cpu`"),
        ("overwrite_output_dir", "each run has its own folder"),
        ("logging_dir", "logs go to the run folder"),
        ("save_safetensors", "always saved as safetensors"),
        ("tpu_num_cores", "accelerate launch"),
    ],
)
def test_removed_name_is_refused_with_the_new_one(name: str, advice: str) -> None:
    messages = find_messages({name: 1})
    assert [*messages] == [name]
    assert "transformers 5" in messages[name]
    assert advice in messages[name]


def test_removed_names_are_unknown_to_the_trainer() -> None:
    from transformers import TrainingArguments

    known = {field.name for field in dataclasses.fields(TrainingArguments)}
    assert sorted(known & {*training_arguments._REMOVED}) == []
    # The names in the advice must exist.
    advised = [re.search(r"write `(\w+)[`:]", advice) for advice in training_arguments._REMOVED.values()]
    assert sorted({match[1] for match in advised if match} - known) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("output_dir", "it is the run folder"),
        ("remove_unused_columns", "the rows hold only what the model reads"),
        ("label_names", "always `labels`"),
        ("resume_from_checkpoint", "hf-newscls train"),
        ("push_to_hub", "hf-newscls publish"),
        ("do_train", "the command"),
        ("length_column_name", "lengths are those of `input_ids`"),
        ("hub_model_id", "the hub section"),
        ("hub_token", "the hub section"),
    ],
)
def test_name_that_the_flow_owns_is_refused(name: str, reason: str) -> None:
    messages = find_messages({name: True})
    assert [*messages] == [name]
    assert reason in messages[name]


def test_model_has_no_field_that_the_flow_owns() -> None:
    known = {*build_training_arguments_model().model_fields}
    assert {"learning_rate", "num_train_epochs", "eval_strategy", "train_sampling_strategy", "use_cpu"} <= known
    assert sorted(name for name in known if name in training_arguments._OWNED or name.startswith("hub_")) == []


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("learning_rat", "did you mean `learning_rate`?"),
        ("Num_Train_Epochs", "did you mean `num_train_epochs`?"),
        ("batch_sizes_of_everything", "see transformers.TrainingArguments"),
    ],
)
def test_unknown_name_is_refused_with_the_nearest(name: str, hint: str) -> None:
    messages = find_messages({name: 1})
    assert [*messages] == [name]
    assert messages[name].endswith(hint)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("learning_rate", "abc"),
        ("learning_rate", 0),
        ("learning_rate", -1e-5),
        ("num_train_epochs", 0),
        ("per_device_train_batch_size", 0),
        ("per_device_train_batch_size", 1.5),
        ("per_device_eval_batch_size", 0),
        ("gradient_accumulation_steps", 0),
        ("warmup_steps", -1),
        ("weight_decay", -0.1),
        ("max_grad_norm", -1),
        ("seed", -1),
        ("bf16", "maybe"),
        ("lr_scheduler_type", "polynomial"),
        ("eval_strategy", "step"),
        ("save_strategy", "epochs"),
        ("train_sampling_strategy", "by_length"),
    ],
)
def test_value_the_trainer_would_refuse_is_refused(name: str, value: Any) -> None:
    assert name in find_messages({name: value})


def test_everything_wrong_is_found_at_once() -> None:
    messages = find_messages(
        {"warmup_ratio": 0.1, "learning_rat": 1, "output_dir": "x", "learning_rate": "abc", "seed": 1}
    )
    assert sorted(messages) == ["learning_rat", "learning_rate", "output_dir", "warmup_ratio"]


def test_braces_in_a_name_are_shown() -> None:
    assert "transformers.TrainingArguments" in find_messages({"{x}": "{y}"})["{x}"]
