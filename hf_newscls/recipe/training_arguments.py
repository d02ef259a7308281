"""The names and types that ``training_arguments`` may hold: those of the installed `transformers.TrainingArguments`."""

import dataclasses
import enum
import functools
import typing
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic_core import InitErrorDetails, PydanticCustomError

from hf_newscls.errors import suggest_name

__all__ = [
    "DEFAULT_LEARNING_RATE",
    "LearningRateShape",
    "build_training_arguments_model",
    "check_training_arguments",
]

LearningRateShape = Literal["linear", "cosine", "constant"]
DEFAULT_LEARNING_RATE = 5e-5
"""Of stage 2, where a recipe names none; the Trainer's own."""
_SELECTION_METRICS = ("loss", "log_loss", "accuracy", "f1_macro", "f1_weighted")

# What transformers 5 dropped, and what stands in its place.
_DROPPED = {
    "evaluation_strategy": "write `eval_strategy`",
    "warmup_ratio": "write `warmup_steps` with a value below 1, which is a fraction of the steps",
    "group_by_length": "write `train_sampling_strategy: group_by_length`",
    "no_cuda": "write `use_cpu`",
    "use_mps_device": "leave it out, the device is found by itself",
    "overwrite_output_dir": "leave it out, each run has a folder of its own",
    "logging_dir": "leave it out, logs go to the run folder",
    "save_safetensors": "leave it out, weights are always saved as safetensors",
    "tpu_num_cores": "leave it out, `accelerate launch` decides the number of cores",
    "per_gpu_train_batch_size": "write `per_device_train_batch_size`",
    "per_gpu_eval_batch_size": "write `per_device_eval_batch_size`",
    "fp16_backend": "leave it out, `fp16: true` is enough",
    "half_precision_backend": "leave it out, `bf16: true` or `fp16: true` is enough",
    "push_to_hub_model_id": "write `hub.repo_id` in the hub section",
    "push_to_hub_token": "set HF_TOKEN in the environment",
    "include_inputs_for_metrics": "write `include_for_metrics: [inputs]`",
}
# What the flow decides itself.
_OWNED = {
    "output_dir": "it is the run folder",
    "remove_unused_columns": "the rows hold only what the model reads",
    "label_names": "the label is always `labels`",
    "length_column_name": "lengths are those of `input_ids`",
    "resume_from_checkpoint": "a run starts from the pre-trained model",
    "push_to_hub": "`hf-newscls publish` pushes once training has ended",
    "do_train": "the commands train, evaluate and predict say what is done",
    "do_eval": "the commands train, evaluate and predict say what is done",
    "do_predict": "the commands train, evaluate and predict say what is done",
    "local_rank": "the launcher sets it",
    "auto_find_batch_size": "the schedule of both stages is laid out for one batch size",
    "accelerator_config": "the schedule of both stages counts batches as the default configuration does",
    "lr_scheduler_kwargs": "the shapes linear, cosine and constant take none",
    "label_smoothing_factor": "write `loss.label_smoothing` in the loss section",
}
_RANGES: dict[str, Any] = {
    "learning_rate": Field(gt=0),
    "num_train_epochs": Field(gt=0),
    "per_device_train_batch_size": Field(ge=1),
    "per_device_eval_batch_size": Field(ge=1),
    "gradient_accumulation_steps": Field(ge=1),
    "warmup_steps": Field(ge=0),
    "weight_decay": Field(ge=0),
    "max_grad_norm": Field(ge=0),
    "seed": Field(ge=0),
}


@functools.cache
def build_training_arguments_model() -> type[BaseModel]:
    """Return a pydantic model with the fields of the installed `TrainingArguments`, all optional.

    Imports transformers, which takes seconds: call it late.
    """
    from transformers import TrainingArguments

    hints = typing.get_type_hints(TrainingArguments)
    hints["lr_scheduler_type"] = LearningRateShape
    prefixed = tuple(f"eval_{metric}" for metric in _SELECTION_METRICS)
    hints["metric_for_best_model"] = typing.Literal[(*_SELECTION_METRICS, *prefixed, None)]
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(TrainingArguments):
        if field.name in _OWNED or field.name.startswith("hub_"):
            continue
        choices = field.metadata.get("choices")
        annotation: Any = typing.Literal[tuple(choices)] if choices else _narrow_enum(hints[field.name])
        if field.name in _RANGES:
            annotation = typing.Annotated[annotation, _RANGES[field.name]]
        help_text = " ".join(str(field.metadata.get("help", "")).split())
        fields[field.name] = (annotation, Field(None, description=help_text))
    return create_model(
        "TrainingArgumentsSection",
        __config__=ConfigDict(extra="forbid", arbitrary_types_allowed=True),
        **fields,
    )


def _narrow_enum(annotation: Any) -> Any:
    """Return the allowed values where the Trainer declares an enum or any text."""
    for kind in typing.get_args(annotation):
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return typing.Literal[tuple(member.value for member in kind)]
    return annotation


def check_training_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments with their values converted to the types the Trainer declares.

    Raises:
        ValidationError: one or more names or values that `TrainingArguments` would not take.
    """
    unusable = [_explain_name(name, value) for name, value in arguments.items() if _is_unusable(name)]
    usable = {name: _restore_no(name, value) for name, value in arguments.items() if not _is_unusable(name)}
    try:
        section = build_training_arguments_model().model_validate(usable)
    except ValidationError as error:
        # One error a name: a union of types reports one for each of its types.
        by_name = {detail["loc"][0]: detail for detail in reversed(error.errors())}
        unusable += [_keep_detail(by_name[name]) for name in usable if name in by_name]
    if unusable:
        raise ValidationError.from_exception_data("training_arguments", unusable)
    return section.model_dump(exclude_unset=True)


def _restore_no(name: str, value: Any) -> Any:
    # YAML reads an unquoted `no` as false; as a strategy it is a word.
    return "no" if value is False and name.endswith("_strategy") else value


def _is_unusable(name: str) -> bool:
    return name in _DROPPED or name in _OWNED or name not in build_training_arguments_model().model_fields


def _explain_name(name: str, value: Any) -> InitErrorDetails:
    if name in _DROPPED:
        message = f"must be a name that transformers 5 knows, this one was dropped; {_DROPPED[name]}"
    elif name in _OWNED or name.startswith("hub_"):
        message = f"must not be set in a recipe: {_OWNED.get(name, 'the hub section says it')}; remove it"
    else:
        known = [*build_training_arguments_model().model_fields]
        suggestion = suggest_name(name, known)
        hint = f"did you mean `{suggestion}`?" if suggestion else "see transformers.TrainingArguments"
        message = f"must be a name of transformers.TrainingArguments; {hint}"
    return InitErrorDetails(type=PydanticCustomError("training_argument", message), loc=(name,), input=value)


def _keep_detail(detail: Any) -> InitErrorDetails:
    message = PydanticCustomError("training_argument", detail["msg"])
    return InitErrorDetails(type=message, loc=detail["loc"][:1], input=detail["input"])
