"""From a recipe to `TrainingArguments`: sums, defaults, precedence and refusals."""

from pathlib import Path
from typing import Any

import pytest
from transformers import TrainingArguments

from hf_newscls.errors import RecipeError
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.training.arguments import build_training_arguments, describe_arguments
from hf_newscls.training.backend import Backend

CPU = Backend("cpu", "CPU", has_bf16=False)


def build(training: dict[str, Any], *, backend: Backend = CPU, **sections: Any) -> TrainingArguments:
    recipe = Recipe.model_validate(
        {
            "name": "tiny",
            "data": {"source": "news.csv", "text": ["title"], "label": "category"},
            "model": {"model_name_or_path": "nobody/nothing"},
            "training_arguments": training,
            **sections,
        }
    )
    return build_training_arguments(recipe, output_dir=Path("checkpoints"), backend=backend)


@pytest.mark.parametrize(
    ("freeze_epochs", "epochs", "total"),
    [(None, 2.0, 2.0), (1.0, 2.0, 3.0), (0.5, 1.25, 1.75), (None, None, 3.0), (6, None, 9.0)],
)
def test_epochs_are_those_of_both_stages(freeze_epochs: float | None, epochs: float | None, total: float) -> None:
    training = {} if epochs is None else {"num_train_epochs": epochs}
    freeze = None if freeze_epochs is None else {"epochs": freeze_epochs, "learning_rate": 1e-3}
    assert build(training, freeze=freeze).num_train_epochs == total


def test_rate_and_warmup_stay_those_of_stage_two() -> None:
    freeze = {"epochs": 1, "learning_rate": 1e-2, "warmup": 0.5}
    arguments = build({"learning_rate": 2e-6, "warmup_steps": 0.25, "lr_scheduler_type": "cosine"}, freeze=freeze)
    assert (arguments.learning_rate, arguments.warmup_steps, arguments.lr_scheduler_type) == (2e-6, 0.25, "cosine")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("per_device_train_batch_size", 16),
        ("eval_strategy", "epoch"),
        ("save_strategy", "epoch"),
        ("load_best_model_at_end", True),
        ("metric_for_best_model", "refined_log_loss"),
        ("greater_is_better", False),
        ("train_sampling_strategy", "group_by_length"),
        ("report_to", []),
        ("warmup_steps", 0.1),
        ("ddp_find_unused_parameters", True),
        ("push_to_hub", False),
        ("optim", "adamw_torch_fused"),
        ("use_cpu", True),
        ("bf16", False),
    ],
)
def test_default(name: str, value: Any) -> None:
    assert getattr(build({}), name) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("per_device_train_batch_size", 4),
        ("train_sampling_strategy", "random"),
        ("optim", "adamw_torch"),
        ("seed", 3),
        ("logging_steps", 7),
        ("save_total_limit", 5),
        ("ddp_find_unused_parameters", False),
    ],
)
def test_recipe_wins_over_defaults(name: str, value: Any) -> None:
    assert getattr(build({name: value}), name) == value


def test_seed_is_that_of_the_split_unless_given() -> None:
    assert build({}, split={"seed": 5}).seed == 5
    assert build({"seed": 7}, split={"seed": 5}).seed == 7


@pytest.mark.parametrize(
    ("training", "has_bf16", "bf16"),
    [({}, True, True), ({}, False, False), ({"bf16": False}, True, False), ({"bf16": True}, False, True)],
)
def test_bf16_is_on_where_the_device_has_it(training: dict[str, Any], has_bf16: bool, bf16: bool) -> None:
    backend = Backend("cpu", "CPU", has_bf16=has_bf16)
    assert build(training, backend=backend).bf16 is bf16


def test_fp16_keeps_bf16_off() -> None:
    arguments = build({"fp16": False}, backend=Backend("cpu", "CPU", has_bf16=True))
    assert arguments.bf16 is False


def test_score_as_metric_is_better_when_greater() -> None:
    assert build({"metric_for_best_model": "f1_macro"}).greater_is_better is True
    assert build({"metric_for_best_model": "loss"}).greater_is_better is False


@pytest.mark.parametrize("keeps_best", [True, False])
def test_loss_is_the_metric_even_if_the_last_model_is_kept(keeps_best: bool) -> None:
    found = build({"metric_for_best_model": "loss", "load_best_model_at_end": keeps_best})
    assert (found.metric_for_best_model, found.greater_is_better) == ("loss", False)


@pytest.mark.parametrize(
    "training",
    [
        {"bf16": True, "fp16": True},
        {"eval_strategy": "no"},
        {"save_strategy": "no", "eval_strategy": "epoch"},
        {"eval_strategy": "steps", "eval_steps": 3, "save_strategy": "epoch"},
        {"save_strategy": "no", "load_best_model_at_end": True},
    ],
)
def test_contradiction_is_refused(training: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match=r"^tiny: .*`training_arguments`: .+"):
        build(training)


@pytest.mark.parametrize(
    "training",
    [
        # Each would be passed over in silence, or end a run at its first evaluation.
        {"lr_scheduler_kwargs": {"num_cycles": 2}},
        {"auto_find_batch_size": True},
        {"metric_for_best_model": "eval_recall"},
    ],
)
def test_what_training_cannot_honor_is_refused(training: dict[str, Any]) -> None:
    # By the recipe (ValidationError) or here (RecipeError): both are ValueErrors.
    with pytest.raises(ValueError, match=next(iter(training))):
        build(training)


@pytest.mark.parametrize(
    ("trackers", "advice"),
    [
        ("wandb", "pip install wandb"),
        (["azure_ml"], "pip install azureml-sdk"),
        (["mlflow", "neptune"], "pip install mlflow neptune"),
        ("dagshub", "pip install dagshub mlflow"),
        ("flyte", "pip install flytekit"),
        ("kubeflow", "set it up"),
        ("wandbb", "'wandb'"),
    ],
)
def test_tracker_that_cannot_be_used_is_refused(
    trackers: str | list[str], advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "transformers.integrations.integration_utils.get_available_reporting_integrations", lambda: ["tensorboard"]
    )
    monkeypatch.setattr("transformers.integrations.integration_utils.is_flytekit_available", lambda: False)
    with pytest.raises(RecipeError, match=r"training_arguments\.report_to") as caught:
        build({"report_to": trackers})
    assert advice in str(caught.value)


@pytest.mark.parametrize(("trackers", "expected"), [("none", []), (["tensorboard"], ["tensorboard"])])
def test_tracker_that_is_there_is_used(
    trackers: str | list[str], expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "transformers.integrations.integration_utils.get_available_reporting_integrations", lambda: ["tensorboard"]
    )
    assert build({"report_to": trackers}).report_to == expected


def test_xla_drops_the_short_batch_and_pins_nothing() -> None:
    xla = Backend("xla", "XLA", has_bf16=False)
    assert build({}, backend=xla).dataloader_pin_memory is False
    assert build({}, backend=xla).dataloader_drop_last is True
    assert build({}).dataloader_drop_last is False


@pytest.mark.parametrize("training", [{"bf16": True}, {"fp16": False, "bf16": True}])
def test_tf32_is_left_where_bf16_is_on(training: dict[str, Any]) -> None:
    # Without a card TrainingArguments refuses tf32, so all that can be seen here is that it is not asked for.
    card = Backend("cpu", "a card", has_bf16=True, has_tf32=True)
    assert build(training, backend=card).tf32 is None


def test_description_is_plain_and_has_no_path() -> None:
    described = describe_arguments(build({"seed": 3, "max_grad_norm": 0.5, "lr_scheduler_type": "cosine"}))
    assert (described["seed"], described["max_grad_norm"], described["lr_scheduler_type"]) == (3, 0.5, "cosine")
    assert described["optim"] == "adamw_torch_fused"
    assert "data_seed" not in described  # not set
    assert {type(value) for value in described.values()} <= {str, int, float, bool}
    assert "checkpoints" not in str(described)


def test_wandb_needs_a_login_or_no_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("WANDB_MODE", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(RecipeError, match=r"training_arguments\.report_to.*WANDB_MODE"):
        build({"report_to": "wandb"})
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert build({"report_to": "wandb"}).report_to == ["wandb"]
