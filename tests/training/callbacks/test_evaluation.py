"""Early stopping counts only evaluations of stage 2, and continues to count in a resumed run."""

from pathlib import Path
from typing import Any

import pytest
from transformers import Trainer

from tests.tiny_models import MakeRecipe, prepare_run

# 16 rows in batches of 4, evaluated at each step: stage 1 ends at step 4. At a rate of 3 nothing gets better.
DIVERGES = (
    "finetune.early_stopping_patience=2",
    "training_arguments.per_device_train_batch_size=4",
    "training_arguments.learning_rate=3.0",
    "training_arguments.warmup_steps=0",
    "training_arguments.eval_strategy=steps",
    "training_arguments.eval_steps=1",
    "training_arguments.save_strategy=steps",
    "training_arguments.save_steps=1",
    "training_arguments.save_total_limit=null",
)


def build(make_recipe: MakeRecipe, news_rows: Any, folder: Path, *overrides: str) -> Trainer:
    return prepare_run(make_recipe(*DIVERGES, *overrides), news_rows, folder).build_trainer()


def test_training_ends_where_nothing_gets_better(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    trainer = build(make_recipe, news_rows, tmp_path)
    trainer.train()
    best = max(trainer.state.best_global_step or 0, 4)
    assert trainer.state.global_step == best + 2 < 12


def test_stage_one_does_not_count(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    # transformers' own callback ends this run in stage 1, whose rate spoils the head.
    trainer = build(make_recipe, news_rows, tmp_path, "freeze.learning_rate=30", "freeze.warmup=0")
    trainer.train()
    assert trainer.state.global_step >= 6


def test_training_ends_without_checkpoints_too(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    saving = build(make_recipe, news_rows, tmp_path / "saving")
    saving.train()
    overrides = ("training_arguments.save_strategy='no'", "training_arguments.load_best_model_at_end=false")
    trainer = build(make_recipe, news_rows, tmp_path / "other", *overrides)
    trainer.train()
    assert trainer.state.global_step == saving.state.global_step < 12


@pytest.mark.parametrize("step", [3, 5])
def test_resumed_run_ends_at_the_same_step(step: int, make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    whole = build(make_recipe, news_rows, tmp_path / "whole")
    whole.train()
    resumed = build(make_recipe, news_rows, tmp_path / "resumed")
    resumed.train(resume_from_checkpoint=str(tmp_path / "whole" / f"checkpoint-{step}"))
    assert resumed.state.global_step == whole.state.global_step
