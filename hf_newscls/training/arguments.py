"""Turn a recipe into the `TrainingArguments` of its run."""

import sys
from enum import Enum
from pathlib import Path
from typing import Any

from transformers import TrainingArguments

from hf_newscls.errors import RecipeError
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.recipe.training_arguments import DEFAULT_LEARNING_RATE
from hf_newscls.training.backend import Backend

__all__ = ["build_training_arguments", "describe_arguments"]

# What decides a result beside what a recipe usually says.
_TOLD = (
    "seed",
    "data_seed",
    "optim",
    "adam_beta1",
    "adam_beta2",
    "adam_epsilon",
    "max_grad_norm",
    "lr_scheduler_type",
    "gradient_accumulation_steps",
    "train_sampling_strategy",
    "metric_for_best_model",
    "load_best_model_at_end",
)
_DEFAULTS: dict[str, Any] = {
    "per_device_train_batch_size": 16,
    "per_device_eval_batch_size": 64,
    "eval_strategy": "epoch",
    "save_strategy": "epoch",
    "save_total_limit": 1,
    "load_best_model_at_end": True,
    "learning_rate": DEFAULT_LEARNING_RATE,
    # The Trainer's own eval_loss is a mean over batches, in which the rows of a short last one count more.
    "metric_for_best_model": "log_loss",
    "logging_steps": 10,
    "logging_first_step": True,
    # Batches of like length need a third of the padding that batches in random order do.
    "train_sampling_strategy": "group_by_length",
    "report_to": "none",
    "warmup_steps": 0.1,
    # Frozen parameters get no gradient in stage 1; every rank must know that this is meant.
    "ddp_find_unused_parameters": True,
}


def build_training_arguments(recipe: Recipe, *, output_dir: Path, backend: Backend) -> TrainingArguments:
    """Return the arguments of the whole run, both stages.

    What the recipe does not say is set to what is safe and quick on the device. `num_train_epochs` becomes the sum
    of both stages; learning rate and warm-up are left as the recipe gives them, for stage 2.

    Raises:
        RecipeError: `TrainingArguments` refuses a value.
    """
    # On a CPU the Trainer accepts bf16 only where it is told that the CPU is meant.
    device = {
        "optim": backend.optimizer,
        "use_cpu": backend.device == "cpu",
        # A short last batch is a shape of its own.
        "dataloader_drop_last": backend.is_static,
        # Pinned memory is for CUDA; beside torch_xla it does nothing but warn.
        "dataloader_pin_memory": not backend.is_static,
    }
    # A progress bar redrawn in a log file would be a line a step.
    display = {"disable_tqdm": not sys.stderr.isatty()}
    options = {**_DEFAULTS, **device, **display, "seed": recipe.seed, **recipe.training_arguments}
    if "bf16" not in options and "fp16" not in options:
        options["bf16"] = backend.has_bf16
    if backend.has_tf32 and "tf32" not in options and not (options.get("bf16") or options.get("fp16")):
        options["tf32"] = True
    freeze_epochs = (recipe.freeze.epochs or 0.0) if recipe.freeze else 0.0
    options["num_train_epochs"] = freeze_epochs + options.get("num_train_epochs", 3.0)
    try:
        return TrainingArguments(output_dir=str(output_dir), **options)
    except (ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise RecipeError(
            f"{recipe.name}: `training_arguments` must suit the Trainer, got {reason!r}; mend it"
        ) from error


def describe_arguments(arguments: TrainingArguments) -> dict[str, Any]:
    """Return the arguments that decide a result, by name, as plain values; those that are None are left out."""
    values = {name: getattr(arguments, name) for name in _TOLD}
    return {
        name: value.value if isinstance(value, Enum) else value for name, value in values.items() if value is not None
    }
