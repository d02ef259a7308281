"""Gradients are clipped in a real training, whether in the optimizer's step or before it."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hf_newscls.training.acceleration.apply import accelerated
from tests.tiny_models import MakeRecipe, prepare_run
from tests.training.test_fit import NO_DROPOUT

QUIET = (*NO_DROPOUT["stock"], "training_arguments.eval_strategy='no'", "training_arguments.save_strategy='no'")


class NormCallback(TrainerCallback):
    """Measure the norm of all gradients before and after the optimizer's step."""

    def __init__(self) -> None:
        self.norms: list[float] = []
        self.norms_before: list[float] = []

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self.norms_before.append(measure_norm(kwargs["model"]))

    def on_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self.norms.append(measure_norm(kwargs["model"]))


def measure_norm(model: torch.nn.Module) -> float:
    return torch.nn.utils.get_total_norm(
        [one.grad.to_dense() for one in model.parameters() if one.grad is not None]
    ).item()


@pytest.mark.parametrize(("optim", "is_in_step"), [("adamw_torch_fused", True), ("adamw_torch", False)])
@pytest.mark.parametrize("freeze", ["null", "{epochs: 1}"])
def test_gradients_are_clipped_as_one(
    freeze: str, optim: str, is_in_step: bool, make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path
) -> None:
    def take_a_step(limit: float) -> tuple[float, float, float]:
        values = {"optim": optim, "max_grad_norm": limit, "max_steps": 1, "load_best_model_at_end": "false"}
        settings = (f"training_arguments.{name}={value}" for name, value in values.items())
        recipe = make_recipe(*QUIET, f"freeze={freeze}", *settings)
        trainer, measured = prepare_run(recipe, news_rows, tmp_path).build_trainer(), NormCallback()
        trainer.add_callback(measured)
        with accelerated(trainer):
            trainer.train()
        assert not hasattr(trainer.optimizer.optimizer, "grad_scale")
        return measured.norms[0], measured.norms_before[0], trainer.state.log_history[0]["grad_norm"]

    whole, before, logged = take_a_step(1e6)
    assert (before, logged) == pytest.approx((whole, whole), rel=1e-5)
    clipped, before, logged = take_a_step(1e-3)
    assert (clipped, logged) == pytest.approx((1e-3, whole), rel=1e-3)
    assert before == pytest.approx(whole if is_in_step else 1e-3, rel=1e-3)


@pytest.mark.parametrize("limit", [0.0, 1.0])
def test_word_gradients_reach_an_optimizer_that_a_checkpoint_made_another_one(
    limit: float, make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path
) -> None:
    settings = ("freeze=null", "training_arguments.max_steps=2", f"training_arguments.max_grad_norm={limit}")
    run = prepare_run(
        make_recipe(*QUIET, "training_arguments.load_best_model_at_end=false", *settings), news_rows, tmp_path
    )
    trainer = run.build_trainer()
    with accelerated(trainer):
        for group in trainer.optimizer.param_groups:
            group["fused"] = False  # as of a run on another device
        trainer.train()
    assert trainer.state.global_step == 2
    assert trainer.state.log_history[0]["grad_norm"] > 0
