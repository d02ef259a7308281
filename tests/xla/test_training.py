"""Both stages on `xla:0`, which is the CPU here: compiled graphs, seeds, checkpoints, and the whole command.

Run by `make test-xla` in an environment with torch_xla.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import Trainer, TrainerCallback

from hf_newscls.modeling.loading import load_pretrained
from hf_newscls.modeling.tokenization import tokenize_splits
from hf_newscls.training.arguments import build_training_arguments
from hf_newscls.training.backend import detect_backend
from hf_newscls.training.fit import build_trainer, fit_classifier
from tests.conftest import LABELS, write_recipe
from tests.processes import build_environment, run_cli
from tests.tiny_models import QUIET, MakeRecipe, build_splits

pytestmark = [
    pytest.mark.xla,
    # Of transformers' and accelerate's own calls into torch_xla.
    pytest.mark.filterwarnings("ignore:Use torch_xla:DeprecationWarning"),
]

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
        recipe=recipe,
        arguments=arguments,
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


class LearningRecorder(TrainerCallback):
    """Notes which parameters have a gradient in each step."""

    def __init__(self) -> None:
        self.learning: list[set[str]] = []

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        named = kwargs["model"].named_parameters()
        self.learning.append({name for name, parameter in named if parameter.grad is not None})


def test_device_is_xla_and_what_suits_it(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    # adamw_torch_fused, the Trainer's default, ends with "fused=True requires all the params to be floating point
    # Tensors of supported devices".
    trainer = build(make_recipe, news_rows, tmp_path)
    assert trainer.args.device.type == "xla"
    assert trainer.args.optim == "adamw_torch"
    assert {batch["input_ids"].shape for batch in trainer.get_train_dataloader()} == {(8, 32)}


def mix_lengths(rows: Any) -> Any:
    """Let every other row be as long as its body: titles all fit in 8 tokens."""
    return [row | {"title": row["title"] if index % 2 else row["body"]} for index, row in enumerate(rows)]


def test_graphs_are_compiled_once_a_stage(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    # If batches were padded to their longest row, every new shape would be compiled; with a learning rate in the graph,
    # every step. No evaluation: it has graphs of its own. The compilation at the boundary does not prove the freeze: it
    # happens without one too, presumably since the backbone's rate of 0 is a constant of the graph.
    trainer, recorder = build(make_recipe, mix_lengths(news_rows), tmp_path, *QUIET), CompileRecorder()
    trainer.add_callback(recorder)
    trainer.train()
    counts = recorder.counts
    assert len(counts) == 18
    # The first steps differ: gradients and moments are not there yet.
    assert counts[3] == counts[5], counts
    assert counts[5] < counts[9], counts
    assert counts[9] == counts[17], counts
    assert counts[17] < 24, counts
    changed = [entry["learning_rate"] for entry in trainer.state.log_history if "learning_rate" in entry]
    assert len({*changed}) > 12


WINDOWS = "model={max_length: null, windows: {count: 4, length: 8, window_batch_size: 2}}"


def test_windows_are_compiled_once_a_stage(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    # Only the windows that hold tokens would be a shape of its own in nearly every batch.
    trainer, recorder = build(make_recipe, mix_lengths(news_rows), tmp_path, *QUIET, WINDOWS), CompileRecorder()
    trainer.add_callback(recorder)
    trainer.train()
    counts = recorder.counts
    assert len(counts) == 18
    assert counts[3] == counts[5], counts
    assert counts[9] == counts[17], counts


@torch.no_grad()
@pytest.mark.parametrize("pooling", ["mean", "max", "attention", "gru"])
def test_windows_give_the_logits_of_a_cpu(
    pooling: str, make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path
) -> None:
    trainer = build(make_recipe, mix_lengths(news_rows), tmp_path, WINDOWS, f"model.windows.pooling={pooling}")
    batch = next(iter(trainer.get_eval_dataloader()))
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    logits = trainer.model.to("xla").eval()(**inputs).logits.cpu()
    on_cpu = trainer.model.to("cpu")(**{name: value.cpu() for name, value in inputs.items()}).logits
    assert logits.numpy() == pytest.approx(on_cpu.numpy(), abs=1e-5)


def test_batches_of_two_lengths_compile_twice_at_most(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    overrides = ("model.pad_to=[16,32]", "training_arguments.num_train_epochs=4")
    trainer, recorder = build(make_recipe, mix_lengths(news_rows), tmp_path, *overrides), CompileRecorder()
    assert {batch["input_ids"].shape[1] for batch in trainer.get_train_dataloader()} == {16, 32}
    trainer.add_callback(recorder)
    trainer.train()
    assert recorder.counts[-1] == recorder.counts[17]


def test_stage_one_changes_only_the_head(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    # Without the freeze the weights stay too, for the rate of the backbone is 0: so what learns is looked at as well.
    trainer, recorder = build(make_recipe, news_rows, tmp_path, "training_arguments.max_steps=6"), LearningRecorder()
    trainer.add_callback(recorder)
    before = read_state(trainer)
    trainer.train()
    after = read_state(trainer)
    changed = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert changed == {"classifier.weight", "classifier.bias"}
    assert recorder.learning == [changed] * 6


def test_one_seed_gives_one_result(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    # Without Backend.seed or its call in fit_classifier, dropout goes on from where the first run left the generator.
    # Without the move back, save_pretrained gets tensors on xla:0.
    recipe, backend, states = make_recipe(*ON_XLA, "training_arguments.max_steps=8"), detect_backend(), []
    for name in ("one", "two"):
        classifier = load_pretrained(recipe.model, LABELS, seed=recipe.seed)
        splits = build_splits(news_rows, train=50, validation=16)
        fit_classifier(
            classifier,
            tokenize_splits(splits, classifier.tokenizer, max_length=recipe.model.max_length),
            recipe=recipe,
            arguments=build_training_arguments(recipe, output_dir=tmp_path / name, backend=backend),
            backend=backend,
        )
        assert classifier.model.device.type == "cpu"
        states.append(classifier.model.state_dict())
    assert differ(*states) == 0.0


def resume(make_recipe: MakeRecipe, news_rows: Any, folder: Path, *overrides: str, step: int) -> float:
    """Return how far weights of a run resumed at a step are from those of the uninterrupted run."""
    kept = ("training_arguments.save_total_limit=null", "training_arguments.load_best_model_at_end=false")
    whole = build(make_recipe, news_rows, folder / "whole", *kept, *overrides)
    whole.train()
    resumed = build(make_recipe, news_rows, folder / "resumed", *kept, *overrides)
    resumed.train(resume_from_checkpoint=str(folder / "whole" / f"checkpoint-{step}"))
    assert resumed.state.global_step == whole.state.global_step
    return differ(read_state(resumed), read_state(whole))


@pytest.mark.parametrize("step", [6, 12, 18])
def test_run_resumed_at_the_end_of_an_epoch_equals_an_uninterrupted_one(
    step: int, make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path
) -> None:
    # In stage 1, at the boundary and in stage 2. Without its generator's state in the checkpoint dropout would differ.
    assert resume(make_recipe, news_rows, tmp_path, "freeze.epochs=2", step=step) < 1e-6


@pytest.mark.parametrize("step", [3, 15])
def test_run_resumed_within_an_epoch_equals_an_uninterrupted_one_but_for_dropout(
    step: int, make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path
) -> None:
    # XLA's generator goes on with every batch that is loaded, those skipped on the way back included.
    overrides = (
        "model.config={hidden_dropout_prob: 0.0, attention_probs_dropout_prob: 0.0}",
        "training_arguments.save_strategy=steps",
        "training_arguments.save_steps=3",
    )
    assert resume(make_recipe, news_rows, tmp_path, *overrides, step=step) < 1e-6


def test_command_line_goes_through(tiny_encoder: Path, noisy_csv: Path, tmp_path: Path) -> None:
    write_recipe(tmp_path / "tiny.yaml", source=noisy_csv, encoder=tiny_encoder)
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "PJRT_DEVICE": os.environ["PJRT_DEVICE"]}
    ended = run_cli(
        "train",
        "tiny.yaml",
        "training_arguments.use_cpu=false",
        cwd=tmp_path,
        home=tmp_path,
        environment=environment,
        timeout=600,  # nearly all of it is compiling: 112 s on two busy cores
    )
    assert ended.code == 0, ended.err
    run = (tmp_path / "runs" / "tiny" / "latest").resolve()
    assert {"model", "metrics.json", "training.json", "predictions.parquet"} <= {*os.listdir(run)}
    assert "through XLA" in (run / "training.json").read_text()


def test_launcher_for_tpus_finds_the_command_line(tmp_path: Path) -> None:
    # As docs/tpu.md writes it. `-m hf_newscls` has no function that accelerate could call.
    launch = [sys.executable, "-m", "accelerate.commands.accelerate_cli", "launch", "--tpu", "--num_processes", "1"]
    ended = subprocess.run(
        [*launch, "--main_training_function", "main", "-m", "hf_newscls.cli", "recipes"],
        cwd=tmp_path,
        env=build_environment(tmp_path, PYTHONPATH=str(Path(__file__).parents[2])),
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "quickstart" in ended.stdout
