"""Both stages on `xla:0`, which is the CPU here: compiled graphs, seeds, checkpoints, and the whole command.

Run by `make test-xla` in an environment with torch_xla.
"""

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import Trainer, TrainerCallback

from hf_newscls.data.tokenization import tokenize_splits
from hf_newscls.modeling.loading import load_pretrained
from hf_newscls.training.arguments import build_training_arguments
from hf_newscls.training.backend import detect_backend
from hf_newscls.training.fitting import build_trainer
from tests.conftest import LABELS, write_recipe
from tests.processes import run_cli
from tests.tiny_models import MakeRecipe, build_splits

pytestmark = pytest.mark.xla

# 50 rows, 8 a step: 6 steps an epoch and two rows that are dropped. Stage 1 takes 6 steps, stage 2 twelve.
ON_XLA = ("training_arguments.use_cpu=false", "training_arguments.logging_steps=1")


def build(make_recipe: MakeRecipe, news_rows: Any, folder: Path, *overrides: str) -> Trainer:
    """Set a training up as the command line does."""
    recipe, backend = make_recipe(*ON_XLA, *overrides), detect_backend()
    arguments = build_training_arguments(recipe, output_dir=folder, backend=backend)
    classifier = load_pretrained(recipe.model, LABELS, seed=recipe.seed)
    splits = build_splits(news_rows, train=50, validation=16)
    trainer = build_trainer(
        classifier,
        tokenize_splits(splits, classifier.tokenizer, max_length=recipe.model.max_length),
        arguments=arguments,
        freeze=recipe.freeze,
        lengths=backend.choose_lengths(recipe.model),
    )
    backend.seed(arguments.seed)
    return trainer


def read_state(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: value.cpu() for name, value in trainer.model.state_dict().items()}


def differ(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    return max((one[name] - value).abs().max().item() for name, value in other.items())


class CompileRecorder(TrainerCallback):
    """Notes how many graphs had been compiled at the end of each step."""

    def __init__(self) -> None:
        self.counts: list[int] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        from torch_xla.debug import metrics

        data = metrics.metric_data("CompileTime")
        self.counts.append(data[0] if data else 0)


def test_device_is_xla_and_what_suits_it(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    # adamw_torch_fused, the Trainer's default, ends with "fused=True requires all the params to be floating point
    # Tensors of supported devices".
    trainer = build(make_recipe, news_rows, tmp_path)
    assert trainer.args.device.type == "xla"
    assert trainer.args.optim == "adamw_torch"
    assert {batch["input_ids"].shape for batch in trainer.get_train_dataloader()} == {(8, 32)}


def test_graphs_are_compiled_once_a_stage(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    # Padded to each batch's longest row, or with the last short batch, every new shape compiles anew. A rate that were
    # part of the graph would compile at each step.
    trainer, recorder = build(make_recipe, news_rows, tmp_path), CompileRecorder()
    trainer.add_callback(recorder)
    trainer.train()
    counts = recorder.counts
    assert len(counts) == 18
    # The first steps differ: gradients and moments are not there yet.
    assert counts[3] == counts[5]
    assert counts[6] < counts[9]
    assert counts[9] == counts[17]
    assert counts[17] < 24
    changed = [entry["learning_rate"] for entry in trainer.state.log_history if "learning_rate" in entry]
    assert len({*changed}) > 12


def test_batches_of_two_lengths_compile_twice_at_most(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    rows = [row | {"title": row["title"] if place % 2 else row["body"]} for place, row in enumerate(news_rows)]
    overrides = ("model.pad_to=[16,32]", "training_arguments.num_train_epochs=4")
    trainer, recorder = build(make_recipe, rows, tmp_path, *overrides), CompileRecorder()
    assert {batch["input_ids"].shape[1] for batch in trainer.get_train_dataloader()} == {16, 32}
    trainer.add_callback(recorder)
    trainer.train()
    assert recorder.counts[-1] == recorder.counts[17]


def test_stage_one_changes_the_head_alone(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    trainer = build(make_recipe, news_rows, tmp_path, "training_arguments.max_steps=6")
    before = read_state(trainer)
    trainer.train()
    after = read_state(trainer)
    changed = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert changed == {"classifier.weight", "classifier.bias"}


def test_one_seed_gives_one_result(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    # Without Backend.seed dropout goes on from where the first run left XLA's generator.
    states = []
    for name in ("one", "two"):
        trainer = build(make_recipe, news_rows, tmp_path / name, "training_arguments.max_steps=8")
        trainer.train()
        states.append(read_state(trainer))
    assert differ(*states) == 0.0


@pytest.mark.parametrize("step", [6, 12])
def test_resumed_run_equals_an_uninterrupted_one(
    step: int, make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path
) -> None:
    overrides = ("training_arguments.save_total_limit=null", "training_arguments.load_best_model_at_end=false")
    whole = build(make_recipe, news_rows, tmp_path / "whole", *overrides)
    whole.train()
    resumed = build(make_recipe, news_rows, tmp_path / "resumed", *overrides)
    resumed.train(resume_from_checkpoint=str(tmp_path / "whole" / f"checkpoint-{step}"))
    assert resumed.state.global_step == 18
    assert differ(read_state(resumed), read_state(whole)) < 1e-6


def test_command_line_goes_through(tiny_encoder: Path, noisy_csv: Path, tmp_path: Path) -> None:
    write_recipe(tmp_path / "tiny.yaml", source=noisy_csv, encoder=tiny_encoder)
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "PJRT_DEVICE": os.environ["PJRT_DEVICE"]}
    ended = run_cli(
        "train", "tiny.yaml", "training_arguments.use_cpu=false", cwd=tmp_path, home=tmp_path, environment=environment
    )
    assert ended.code == 0, ended.err
    run = (tmp_path / "runs" / "tiny" / "latest").resolve()
    assert {"model", "metrics.json", "training.json", "predictions.parquet"} <= {*os.listdir(run)}
    assert "through XLA" in (run / "training.json").read_text()
