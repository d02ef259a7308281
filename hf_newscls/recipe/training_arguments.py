"""The names and types of values in `training_arguments`: those of the installed `transformers.TrainingArguments`."""

import dataclasses
import enum
import functools
import typing
from typing import Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema, create_model
from pydantic_core import InitErrorDetails, PydanticCustomError

from hf_newscls.recipe.renamed_keys import suggest_key

LearningRateShape = Literal["linear", "cosine", "constant"]
DEFAULT_LEARNING_RATE = 5e-5
"""Learning rate of stage 2 if a recipe sets none, as in the Trainer."""
DEFAULT_EPOCHS = 3.0
"""Epochs of stage 2 if a recipe sets none, as in the Trainer."""
_SELECTION_METRICS = ("loss", "log_loss", "refined_log_loss", "accuracy", "f1_macro", "f1_weighted")
_PREFIXED = {f"eval_{metric}": metric for metric in _SELECTION_METRICS}

# Names that transformers 5 removed, and the fix.
_REMOVED = {
    "evaluation_strategy": "write `eval_strategy`",
    "warmup_ratio": "write `warmup_steps` with a value below 1, which is a fraction of the steps",
    "group_by_length": "write `train_sampling_strategy: group_by_length`",
    "no_cuda": "write `use_cpu`",
    "use_mps_device": "remove it, the device is detected",
    "overwrite_output_dir": "remove it, each run has its own folder",
    "logging_dir": "remove it, logs go to the run folder",
    "save_safetensors": "remove it, weights are always saved as safetensors",
    "tpu_num_cores": "remove it, `accelerate launch` sets the number of cores",
    "per_gpu_train_batch_size": "write `per_device_train_batch_size`",
    "per_gpu_eval_batch_size": "write `per_device_eval_batch_size`",
    "fp16_backend": "remove it, `fp16: true` is enough",
    "half_precision_backend": "remove it, `bf16: true` or `fp16: true` is enough",
    "push_to_hub_model_id": "write `hub.repo_id`",
    "push_to_hub_token": "set HF_TOKEN in the environment",
    "include_inputs_for_metrics": "write `include_for_metrics: [inputs]`",
}
# Names that a recipe cannot set, and the reason.
_OWNED = {
    "output_dir": "it is the run folder",
    "remove_unused_columns": "the rows hold only what the model reads",
    "label_names": "the label is always `labels`",
    "length_column_name": "lengths are those of `input_ids`",
    "resume_from_checkpoint": "`hf-newscls train` resumes an interrupted run by itself",
    "push_to_hub": "`hf-newscls publish` pushes after training",
    **dict.fromkeys(("do_train", "do_eval", "do_predict"), "the command decides it: train, evaluate or predict"),
    "local_rank": "the launcher sets it",
    "auto_find_batch_size": "the schedule of both stages is planned for one batch size",
    "accelerator_config": "the schedule of both stages counts batches as the default configuration does",
    "save_only_model": "an interrupted run could not be resumed",
    "enable_jit_checkpoint": "Ctrl-C and SIGTERM save a checkpoint already",
    "ignore_data_skip": "a resumed run would train other rows than one that was not interrupted",
    **dict.fromkeys(
        ("prediction_loss_only", "batch_eval_metrics", "eval_do_concat_batches"),
        "the validation scores need all predictions at once",
    ),
    "lr_scheduler_kwargs": "the shapes linear, cosine and constant take none",
    "label_smoothing_factor": "write `loss.label_smoothing`",
}
_COUNTS = ("per_device_train_batch_size", "per_device_eval_batch_size", "gradient_accumulation_steps")
_RANGES: dict[str, Any] = {
    **dict.fromkeys(("learning_rate", "num_train_epochs"), Field(gt=0)),
    **dict.fromkeys(_COUNTS, Field(ge=1)),
    **dict.fromkeys(("warmup_steps", "weight_decay", "max_grad_norm", "seed"), Field(ge=0)),
}


@functools.cache
def build_training_arguments_model() -> type[BaseModel]:
    """Return a pydantic model with the fields of the installed `TrainingArguments`, all optional.

    It imports transformers, which takes seconds: call it late.
    """
    from transformers import TrainingArguments

    hints = typing.get_type_hints(TrainingArguments)
    hints["lr_scheduler_type"] = LearningRateShape
    metric: Any = typing.Literal[_SELECTION_METRICS]
    schema = WithJsonSchema({"enum": [*_SELECTION_METRICS, *_PREFIXED, None]})
    hints["metric_for_best_model"] = typing.Annotated[metric, BeforeValidator(_normalize_metric), schema]
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


def _normalize_metric(value: Any) -> Any:
    """Return the name of a score without `eval_`; null is the loss. The Trainer takes all these forms."""
    if value is None:
        return "loss"
    return _PREFIXED.get(value, value) if isinstance(value, str) else value


def _narrow_enum(annotation: Any) -> Any:
    """Return the allowed values if the Trainer declares an enum or a text."""
    for kind in typing.get_args(annotation):
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return typing.Literal[tuple(member.value for member in kind)]
    return annotation


def check_training_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments with their values converted to the types that the Trainer declares.

    Raises:
        ValidationError: one or more names or values that `TrainingArguments` does not take.
    """
    values = {name: _restore_no(name, value) for name, value in arguments.items()}
    try:
        return build_training_arguments_model().model_validate(values).model_dump(exclude_unset=True)
    except ValidationError as error:
        # Keep one error for each name: a union of types reports one for each of its types.
        found = {one["loc"][0]: one for one in reversed(error.errors())}
    details = []
    for name in (name for name in values if name in found):
        reason = _explain_name(name)
        kind = ("training_argument_name", reason) if reason else ("training_argument_value", found[name]["msg"])
        details.append(InitErrorDetails(type=PydanticCustomError(*kind), loc=(name,), input=found[name]["input"]))
    raise ValidationError.from_exception_data("training_arguments", details)


def _restore_no(name: str, value: Any) -> Any:
    # YAML reads an unquoted `no` as false.
    return "no" if value is False and name.endswith("_strategy") else value


def _explain_name(name: str) -> Any:
    """Return why a recipe cannot set this name, or None if it can."""
    if name in _REMOVED:
        return f"transformers 5 removed this name; {_REMOVED[name]}"
    if name in _OWNED or name.startswith("hub_"):
        return f"a recipe cannot set it: {_OWNED.get(name, 'the hub section decides it')}; remove it"
    known = [*build_training_arguments_model().model_fields]
    if name in known:
        return None
    suggestion = suggest_key(name, known)
    hint = f"did you mean `{suggestion}`?" if suggestion else "see transformers.TrainingArguments"
    return f"transformers.TrainingArguments has no such name; {hint}"
