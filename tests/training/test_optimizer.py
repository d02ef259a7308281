"""Parameter groups, and learning rates that were worked by hand or come from transformers."""

from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset, DatasetDict
from transformers import Trainer, TrainingArguments, get_scheduler

from hf_newscls.errors import RecipeError
from hf_newscls.recipe.training import FinetuneSection, FreezeSection
from hf_newscls.training.fit import build_trainer
from hf_newscls.training.optimizer import build_optimizer, build_scheduler, build_two_stage_optimizers
from hf_newscls.training.schedule import Stage, TwoStageSchedule, plan_schedule
from tests.tiny_models import MakeRecipe, load_tiny, save_encoder


def build_arguments(folder: Path, **values: Any) -> TrainingArguments:
    return TrainingArguments(output_dir=str(folder), use_cpu=True, report_to="none", **values)


def plan(folder: Path, *, rows: int = 40, freeze: FreezeSection | None = None, **values: Any) -> TwoStageSchedule:
    return plan_schedule(freeze, build_arguments(folder, **values), train_rows=rows, finetune=FinetuneSection())


# 10 rows in batches of 4 are 3 batches: 4 + 4 + 2.
STEPS: list[tuple[int, dict[str, Any], int]] = [
    (10, {"num_train_epochs": 3}, 9),
    (10, {"num_train_epochs": 0.5}, 2),
    (10, {"num_train_epochs": 2.25}, 7),
    (10, {"num_train_epochs": 3, "gradient_accumulation_steps": 2}, 6),
    (10, {"num_train_epochs": 1.5, "gradient_accumulation_steps": 2}, 3),
    (10, {"num_train_epochs": 2, "gradient_accumulation_steps": 8}, 2),
    (10, {"num_train_epochs": 3, "dataloader_drop_last": True}, 6),
    (12, {"num_train_epochs": 1}, 3),
    (13, {"num_train_epochs": 1}, 4),
    (1, {"num_train_epochs": 2}, 2),
    (10, {"max_steps": 7}, 7),
    (10, {"max_steps": 1, "num_train_epochs": 50}, 1),
]


def test_too_few_rows_for_a_batch_are_refused_where_short_ones_are_dropped(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"3 training rows .* 4, .*per_device_train_batch_size"):
        plan(tmp_path, rows=3, per_device_train_batch_size=4, dataloader_drop_last=True)
    assert plan(tmp_path, rows=4, per_device_train_batch_size=4, dataloader_drop_last=True).total_steps == 3
    assert plan(tmp_path, rows=3, per_device_train_batch_size=4).total_steps == 3


@pytest.mark.parametrize(("rows", "values", "steps"), STEPS)
def test_steps_are_those_of_the_trainer(
    rows: int, values: dict[str, Any], steps: int, make_recipe: MakeRecipe, tiny_encoder: Path, tmp_path: Path
) -> None:
    arguments = build_arguments(tmp_path, per_device_train_batch_size=4, **values)
    assert plan_schedule(None, arguments, train_rows=rows, finetune=FinetuneSection()).total_steps == steps
    tokenized = Dataset.from_dict(
        {"input_ids": [[2, 3]] * rows, "attention_mask": [[1, 1]] * rows, "labels": [0] * rows}
    )
    classifier = load_tiny(tiny_encoder)
    splits = DatasetDict({"train": tokenized, "validation": tokenized})
    trainer = build_trainer(classifier, splits, recipe=make_recipe("freeze=null"), arguments=arguments)
    assert trainer.set_initial_training_values(arguments, trainer.get_train_dataloader())[-1] == steps


# 40 rows in batches of 8 are 5 steps an epoch; the arguments hold the epochs of both stages.
@pytest.mark.parametrize(
    ("freeze_epochs", "values", "boundary", "total"),
    [
        (1, {"num_train_epochs": 3}, 5, 15),
        (0.5, {"num_train_epochs": 1.5}, 3, 8),
        (0.01, {"num_train_epochs": 1.01}, 1, 6),
        (2, {"num_train_epochs": 3, "gradient_accumulation_steps": 2}, 6, 9),
        (1, {"num_train_epochs": 3, "max_steps": 7}, 5, 7),
        (2, {"num_train_epochs": 3, "max_steps": 7}, 7, 7),
    ],
)
def test_boundary(freeze_epochs: float, values: dict[str, Any], boundary: int, total: int, tmp_path: Path) -> None:
    freeze = FreezeSection(epochs=freeze_epochs, learning_rate=1e-2)
    schedule = plan(tmp_path, freeze=freeze, per_device_train_batch_size=8, **values)
    assert (schedule.boundary_step, schedule.total_steps) == (boundary, total)
    assert schedule.has_stage_two == (boundary < total)


@pytest.mark.parametrize("warmup", [0, 0.1, 0.33, 1, 6, 30])
@pytest.mark.parametrize("shape", ["linear", "cosine"])
def test_without_freeze_the_rate_is_that_of_transformers(shape: str, warmup: float, tmp_path: Path) -> None:
    arguments = build_arguments(
        tmp_path, max_steps=20, learning_rate=3e-4, warmup_steps=warmup, lr_scheduler_type=shape
    )
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=3e-4)
    steps = arguments.get_warmup_steps(20)
    reference = get_scheduler(shape, optimizer, num_warmup_steps=steps, num_training_steps=20)
    schedule = plan_schedule(None, arguments, train_rows=40, finetune=FinetuneSection())
    for step in range(21):
        rate = reference.get_last_lr()[0]
        assert schedule.head(step) == schedule.backbone(step) == pytest.approx(rate, rel=1e-12, abs=1e-18), step
        optimizer.step()
        reference.step()


# Stage 1: 4 steps up to 0.8, of them 2 of warm-up. Stage 2: 6 steps up to 0.5, of them 1 of warm-up.
HEAD = [0.0, 0.4, 0.8, 0.4, 0.0, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0]
BACKBONE = [0.0] * 4 + HEAD[4:]


def test_rates_around_the_boundary(tmp_path: Path) -> None:
    freeze = FreezeSection(epochs=0.8, learning_rate=0.8, warmup=0.5)
    schedule = plan(tmp_path, freeze=freeze, num_train_epochs=2, learning_rate=0.5, warmup_steps=1)
    assert schedule.boundary_step == 4
    assert schedule.total_steps == 10
    assert [schedule.head(step) for step in range(11)] == pytest.approx(HEAD)
    assert [schedule.backbone(step) for step in range(11)] == pytest.approx(BACKBONE)


@pytest.mark.parametrize(
    ("shape", "rates"),
    [
        ("linear", [1.0, 0.75, 0.5, 0.25, 0.0]),
        ("constant", [1.0, 1.0, 1.0, 1.0, 1.0]),
        # (1 + cos(pi x)) / 2 at 0, 1/4, 1/2, 3/4, 1
        ("cosine", [1.0, 0.8535534, 0.5, 0.1464466, 0.0]),
    ],
)
def test_shape_applies_only_to_stage_two(shape: str, rates: list[float], tmp_path: Path) -> None:
    freeze = FreezeSection(epochs=0.4, learning_rate=1.0, warmup=0)
    schedule = plan(tmp_path, freeze=freeze, max_steps=6, learning_rate=1.0, warmup_steps=0, lr_scheduler_type=shape)
    assert [schedule.head(step) for step in range(2)] == [1.0, 0.5]
    assert [schedule.head(step) for step in range(2, 7)] == pytest.approx(rates)


def test_warmup_of_the_freeze_may_be_steps(tmp_path: Path) -> None:
    freeze = FreezeSection(epochs=1, learning_rate=1.0, warmup=3)
    schedule = plan(tmp_path, freeze=freeze, num_train_epochs=2)
    assert [schedule.head(step) for step in range(5)] == pytest.approx([0.0, 1 / 3, 2 / 3, 1.0, 0.5])


@pytest.mark.parametrize("head", ["stock", "two_layer"])
@pytest.mark.parametrize("architecture", ["bert", "roberta", "distilbert"])
def test_every_parameter_is_in_the_right_group(architecture: str, head: str, tmp_path: Path) -> None:
    loaded = load_tiny(save_encoder(tmp_path / "encoder", architecture), head=head)
    arguments = build_arguments(tmp_path, weight_decay=0.01)
    optimizer = build_optimizer(loaded.model, loaded.backbone_parameters, arguments)
    groups = [{id(parameter) for parameter in group["params"]} for group in optimizer.param_groups]
    decayed = Trainer(model=loaded.model, args=arguments).get_decay_parameter_names(loaded.model)
    for name, parameter in loaded.model.named_parameters():
        index = 2 * (name in loaded.backbone_parameters) + (name not in decayed)
        assert [id(parameter) in group for group in groups] == [index == other for other in range(4)], name
    assert sum(map(len, groups)) == len([*loaded.model.parameters()])
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.01, 0.0, 0.01, 0.0]


@pytest.mark.parametrize("architecture", ["bert", "roberta", "distilbert"])
def test_biases_and_norms_are_not_decayed(architecture: str, tmp_path: Path) -> None:
    loaded = load_tiny(save_encoder(tmp_path / "encoder", architecture), head="two_layer")
    optimizer = build_optimizer(loaded.model, loaded.backbone_parameters, build_arguments(tmp_path))
    decayed = {id(parameter) for group in optimizer.param_groups[::2] for parameter in group["params"]}
    # Matrices are weights; whatever has one axis is a bias or a scale.
    for name, parameter in loaded.model.named_parameters():
        assert (id(parameter) in decayed) == (parameter.ndim == 2), name


def test_optimizer_is_the_one_the_arguments_name(tiny_encoder: Path, tmp_path: Path) -> None:
    model = load_tiny(tiny_encoder).model
    arguments = build_arguments(tmp_path, optim="adamw_torch", adam_beta2=0.98, adam_epsilon=1e-6, learning_rate=5e-5)
    optimizer = build_optimizer(model, [], arguments)
    assert isinstance(optimizer, torch.optim.AdamW)
    assert {(group["lr"], group["betas"], group["eps"]) for group in optimizer.param_groups} == {
        (1.0, (0.9, 0.98), 1e-6)
    }
    assert isinstance(build_optimizer(model, [], build_arguments(tmp_path, optim="sgd")), torch.optim.SGD)


# What a package brings that is not installed; transformers raises ImportError for one and ValueError for the other.
@pytest.mark.parametrize("optim", ["apollo_adamw", "grokadamw"])
def test_optimizer_that_cannot_be_built_is_refused(optim: str, tiny_encoder: Path, tmp_path: Path) -> None:
    model = load_tiny(tiny_encoder).model
    arguments = build_arguments(tmp_path, optim=optim)
    with pytest.raises(RecipeError, match=r"training_arguments\.optim"):
        build_optimizer(model, [], arguments)


def build_tiny_scheduler(schedule: TwoStageSchedule) -> tuple[torch.optim.Optimizer, Any]:
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "is_head": index < 2, "depth": 0} for index in range(4)]
    optimizer = torch.optim.SGD(groups, lr=1.0)
    return optimizer, build_scheduler(optimizer, schedule)


def build_tiny_schedule() -> TwoStageSchedule:
    first, second = Stage(4, 2, "linear"), Stage(6, 1, "linear")
    return TwoStageSchedule(first, second, first_peak=0.8, head_peak=0.5, backbone_peak=0.5)


def test_scheduler_sets_the_rates_themselves() -> None:
    optimizer, scheduler = build_tiny_scheduler(build_tiny_schedule())
    for step in range(10):
        rates = [group["lr"] for group in optimizer.param_groups]
        assert rates == pytest.approx([HEAD[step], HEAD[step], BACKBONE[step], BACKBONE[step]])
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize("step", [0, 3, 4, 7])
def test_scheduler_state_round_trips(step: int, tmp_path: Path) -> None:
    optimizer, scheduler = build_tiny_scheduler(build_tiny_schedule())
    for _ in range(step):
        optimizer.step()
        scheduler.step()
    # As the Trainer writes and reads it: nothing but plain values.
    torch.save(scheduler.state_dict(), tmp_path / "scheduler.pt")
    resumed_optimizer, resumed = build_tiny_scheduler(build_tiny_schedule())
    resumed.load_state_dict(torch.load(tmp_path / "scheduler.pt", weights_only=True))
    resumed_optimizer.load_state_dict(optimizer.state_dict())
    for index in range(step, 10):
        assert resumed.get_last_lr()[0] == pytest.approx(HEAD[index])
        assert resumed_optimizer.param_groups[2]["lr"] == pytest.approx(BACKBONE[index])
        resumed_optimizer.step()
        resumed.step()


def test_stage_one_may_be_given_in_steps(tmp_path: Path) -> None:
    # 5 steps an epoch, 2 epochs of stage 2.
    freeze = FreezeSection(steps=7, learning_rate=1.0)
    schedule = plan(tmp_path, freeze=freeze, num_train_epochs=2)
    assert (schedule.boundary_step, schedule.total_steps) == (7, 17)


@pytest.mark.parametrize(("shape", "rates"), [("constant", [1.0, 1.0]), ("cosine", [1.0, 0.5]), ("linear", [1.0, 0.5])])
def test_stage_one_has_a_shape_of_its_own(shape: Any, rates: list[float], tmp_path: Path) -> None:
    freeze = FreezeSection(steps=2, learning_rate=1.0, warmup=0, lr_scheduler_type=shape)
    schedule = plan(tmp_path, freeze=freeze, max_steps=4, lr_scheduler_type="constant", warmup_steps=0)
    assert [schedule.head(step) for step in range(2)] == pytest.approx(rates)
    assert schedule.head(2) == schedule.head(3)


def test_head_may_have_a_rate_of_its_own_in_stage_two(tmp_path: Path) -> None:
    arguments = build_arguments(tmp_path, max_steps=4, learning_rate=0.2, warmup_steps=0)
    finetune = FinetuneSection(head_learning_rate=0.8)
    schedule = plan_schedule(None, arguments, train_rows=40, finetune=finetune)
    assert [schedule.head(step) for step in range(4)] == pytest.approx([0.8, 0.6, 0.4, 0.2])
    assert [schedule.backbone(step) for step in range(4)] == pytest.approx([0.2, 0.15, 0.1, 0.05])


@pytest.mark.parametrize("architecture", ["bert", "roberta", "distilbert"])
def test_each_layer_has_the_rate_of_its_depth(architecture: str, tmp_path: Path) -> None:
    loaded = load_tiny(save_encoder(tmp_path / "encoder", architecture))
    arguments = build_arguments(tmp_path, learning_rate=0.8, warmup_steps=0, max_steps=4)
    optimizer, _ = build_two_stage_optimizers(
        loaded.model, loaded.backbone_parameters, arguments, train_rows=40, layerwise_lr_decay=0.5
    )
    rates = {id(one): group["lr"] for group in optimizer.param_groups for one in group["params"]}
    # Two layers: the upper one is one below the top, the lower one two, the embeddings three.
    expected = {"layer.1.": 0.4, "layer.0.": 0.2, "embeddings.": 0.1}
    for name, parameter in loaded.model.named_parameters():
        rate = next((rate for part, rate in expected.items() if part in name), 0.8)
        assert rates[id(parameter)] == pytest.approx(rate), name


def test_both_stages_may_be_given_in_plain_numbers(tiny_encoder: Path, tmp_path: Path) -> None:
    # 40 rows in batches of 8 are 5 steps an epoch.
    loaded = load_tiny(tiny_encoder)
    arguments = build_arguments(
        tmp_path, learning_rate=0.2, warmup_steps=0, num_train_epochs=2, lr_scheduler_type="constant"
    )
    optimizer, scheduler = build_two_stage_optimizers(
        loaded.model,
        loaded.backbone_parameters,
        arguments,
        train_rows=40,
        first_epochs=1,
        first_learning_rate=0.5,
        first_warmup=0,
        first_lr_scheduler_type="constant",
        head_learning_rate=0.4,
    )
    rates = []
    for _ in range(10):
        rates.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[-1]["lr"]))
        optimizer.step()
        scheduler.step()
    assert [rate for pair in rates for rate in pair] == pytest.approx([0.5, 0.0] * 5 + [0.4, 0.2] * 5)


def test_what_requires_no_gradient_is_left_out(tiny_encoder: Path, tmp_path: Path) -> None:
    loaded = load_tiny(tiny_encoder)
    loaded.model.bert.requires_grad_(False)
    optimizer = build_optimizer(loaded.model, loaded.backbone_parameters, build_arguments(tmp_path))
    assert sum(len(group["params"]) for group in optimizer.param_groups) == 2


def test_layer_rates_need_layers(tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 2))
    with pytest.raises(RecipeError, match=r"finetune\.layerwise_lr_decay"):
        build_optimizer(model, ["0.weight"], build_arguments(tmp_path), by_layer=True)


@pytest.mark.parametrize("lengths", [{}, {"epochs": 1, "steps": 3}])
def test_freeze_has_one_length(lengths: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"epochs.*steps"):
        FreezeSection(learning_rate=1e-3, **lengths)
