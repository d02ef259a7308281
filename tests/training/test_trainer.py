"""The Trainer of ours: clipping over the optimizer's parameters is clipping over the model's."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from tests.tiny_models import MakeRecipe, prepare_run
from tests.training.test_fitting import NO_DROPOUT

QUIET = (*NO_DROPOUT["stock"], "training_arguments.eval_strategy='no'", "training_arguments.save_strategy='no'")


class NormCallback(TrainerCallback):
    """Measure the norm of all gradients as the optimizer took them."""

    def __init__(self) -> None:
        self.norms: list[float] = []

    def on_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        gradients = [one.grad for one in kwargs["model"].parameters() if one.grad is not None]
        self.norms.append(torch.nn.utils.get_total_norm(gradients).item())


@pytest.mark.parametrize("freeze", ["null", "{epochs: 1}"])
def test_gradients_are_clipped_as_one(freeze: str, make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    def take_a_step(limit: float) -> tuple[float, float]:
        settings = (f"training_arguments.max_grad_norm={limit}", "training_arguments.max_steps=1")
        recipe = make_recipe(*QUIET, f"freeze={freeze}", "training_arguments.load_best_model_at_end=false", *settings)
        trainer, measured = prepare_run(recipe, news_rows, tmp_path).build_trainer(), NormCallback()
        trainer.add_callback(measured)
        trainer.train()
        return measured.norms[0], trainer.state.log_history[0]["grad_norm"]

    whole, logged = take_a_step(1e6)
    assert logged == pytest.approx(whole, rel=1e-5)
    assert take_a_step(1e-3) == pytest.approx((1e-3, whole), rel=1e-3)
