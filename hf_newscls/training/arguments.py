"""From a recipe to the `TrainingArguments` of its run."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import TrainingArguments

from hf_newscls.errors import RecipeError, format_examples, suggest_fix
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.recipe.training_arguments import DEFAULT_EPOCHS, DEFAULT_LEARNING_RATE
from hf_newscls.training.backend import Backend

# The arguments that affect the result and are not in every recipe.
_RECORDED = (
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
    # The model is calibrated after the training, and the plain log loss is lowest too early.
    "metric_for_best_model": "refined_log_loss",
    "logging_steps": 10,
    "logging_first_step": True,
    # Batches of rows of similar length have a third of the padding that random batches have.
    "train_sampling_strategy": "group_by_length",
    "report_to": "none",
    "project": "hf-newscls",
    "trackio_static_space_id": False,  # a copy of the Space, made before the test scores are known
    "disable_tqdm": True,  # `ProgressReportCallback` reports the steps
    "warmup_steps": 0.1,
    # Frozen parameters get no gradient in stage 1; without this, DDP fails.
    "ddp_find_unused_parameters": True,
}
# Where the name of the package is not that of the tracker.
_TRACKER_PACKAGES = {
    "azure_ml": "azureml-sdk",
    "comet_ml": "comet-ml",
    "dagshub": "dagshub mlflow",
    "flyte": "flytekit",
}


def build_training_arguments(recipe: Recipe, *, output_dir: Path, backend: Backend) -> TrainingArguments:
    """Return the arguments of the whole run, for both stages.

    Values that the recipe does not set get a default that suits the device. `num_train_epochs` becomes the sum of both
    stages; learning rate and warm-up stay those of stage 2.

    Raises:
        RecipeError: `TrainingArguments` refuses a value, or `report_to` names a tracker that cannot be used here.
    """
    device = {
        "optim": backend.optimizer,
        "use_cpu": backend.device == "cpu",  # the Trainer accepts bf16 on a CPU only with this
        "dataloader_drop_last": backend.is_static,  # a short last batch would be another shape to compile
        "dataloader_pin_memory": not backend.is_static,  # it is for CUDA; torch_xla only warns
    }
    # hub_private_repo is also for a Space of Trackio.
    own = {"seed": recipe.seed, "hub_private_repo": recipe.hub.private}
    options = {**_DEFAULTS, **device, **own, **recipe.training_arguments}
    if "bf16" not in options and "fp16" not in options:
        options["bf16"] = backend.has_bf16
    if backend.has_tf32 and "tf32" not in options and not (options.get("bf16") or options.get("fp16")):
        options["tf32"] = True
    freeze_epochs = (recipe.freeze.epochs or 0.0) if recipe.freeze else 0.0
    options["num_train_epochs"] = freeze_epochs + options.get("num_train_epochs", DEFAULT_EPOCHS)
    try:
        arguments = TrainingArguments(output_dir=str(output_dir), **options)
    except (ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise RecipeError(f"{recipe.name}: TrainingArguments refuses `training_arguments`: {reason}") from error
    _check_trackers(recipe.name, [*(arguments.report_to or ())])
    return arguments


def _check_trackers(recipe_name: str, trackers: Sequence[str]) -> None:
    """Refuse trackers that the Trainer would only miss when the training begins."""
    if not trackers:
        return
    from transformers.integrations.integration_utils import (
        INTEGRATION_TO_CALLBACK,
        get_available_reporting_integrations,
        is_flytekit_available,
    )

    found = f"{recipe_name}: training_arguments.report_to"
    for name in trackers:
        if name not in INTEGRATION_TO_CALLBACK:
            known = [*INTEGRATION_TO_CALLBACK]
            hint = suggest_fix(name, known, otherwise=f"choose one of {', '.join(known)}")
            raise RecipeError(f"{found} names {name!r}, which is no tracker of transformers; {hint}")
    available = [*get_available_reporting_integrations(), *(["flyte"] if is_flytekit_available() else [])]
    if missing := [name for name in trackers if name not in available]:
        packages = " ".join(_TRACKER_PACKAGES.get(name, name) for name in missing)
        raise RecipeError(
            f"{found} names {format_examples(missing)}, not installed or not configured here; run "
            f"`pip install {packages}` and set it up, or remove it (ready: {', '.join(available) or 'none'})"
        )
    if "wandb" in trackers and not _has_wandb_account():
        raise RecipeError(f"{found} names 'wandb', which has no API key; run `wandb login`, or set WANDB_MODE=offline")


def _has_wandb_account() -> bool:
    """Return whether wandb needs no account, or has one; without one its run cannot be opened."""
    import wandb

    return os.environ.get("WANDB_MODE") in {"offline", "disabled", "dryrun"} or bool(wandb.login(prompt=False))


def describe_arguments(arguments: TrainingArguments) -> dict[str, Any]:
    """Return the arguments that affect the result, by name, as plain values; those that are None are left out."""
    values = arguments.to_dict()
    return {name: values[name] for name in _RECORDED if values[name] is not None}
