"""Faster kernels for a CPU compute what torch computes, and end with their context."""

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hf_newscls.training.acceleration.apply import accelerated
from hf_newscls.training.acceleration.cpu_kernels import (
    clip_in_step,
    is_fused,
    sparse_word_gradients,
)
from tests.tiny_models import MakeRecipe, load_tiny, prepare_run, save_encoder
from tests.training.test_fit import fit

BATCH = {
    "input_ids": torch.tensor([[2, 7, 8, 9, 3], [2, 5, 3, 0, 0]]),
    "attention_mask": torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]),
}


def test_trained_model_has_its_attention_back(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    overrides = ("training_arguments.bf16=true", "training_arguments.max_steps=2")
    run = prepare_run(make_recipe(*overrides), news_rows, tmp_path)
    fit(run)
    assert run.classifier.model.config._attn_implementation == "sdpa"
    run.classifier.model.save_pretrained(tmp_path / "saved")
    assert "float32" not in (tmp_path / "saved" / "config.json").read_text().replace('"dtype": "float32"', "")


class Clipper:
    """The part of a `Trainer` that clips."""

    def __init__(self, max_norm: float) -> None:
        self.args = SimpleNamespace(max_grad_norm=max_norm)

    def _clip_grad_norm(self, model: nn.Module) -> Tensor:
        return nn.utils.clip_grad_norm_(model.parameters(), self.args.max_grad_norm)


@pytest.mark.parametrize("size", [0.001, 1.0, 50.0])
def test_clipping_in_the_step_is_clipping_before(size: float) -> None:
    def take_steps(*, is_in_step: bool) -> tuple[list[Tensor], list[float]]:
        torch.manual_seed(0)
        model: Any = nn.ParameterList([nn.Parameter(torch.randn(shape)) for shape in ((40, 30), (7,), (3,))])
        parameters = [*model.parameters()]
        optimizer = torch.optim.AdamW(parameters, lr=0.01, fused=True)
        trainer, norms = Clipper(1.0), []
        with clip_in_step(trainer, optimizer) if is_in_step else nullcontext():  # type: ignore[arg-type]
            for _ in range(5):
                for parameter in parameters[:2]:
                    parameter.grad = size * torch.randn_like(parameter)
                norms.append(trainer._clip_grad_norm(model).item())
                optimizer.step()
                assert not hasattr(optimizer, "grad_scale")
        assert "_clip_grad_norm" not in vars(trainer)
        state = [value for entry in optimizer.state_dict()["state"].values() for value in entry.values()]
        return [*(one.detach() for one in parameters), *state], norms

    (ours, norms), (expected, expected_norms) = take_steps(is_in_step=True), take_steps(is_in_step=False)
    assert norms == pytest.approx(expected_norms)
    torch.testing.assert_close(ours, expected, rtol=1e-6, atol=1e-8)


def test_gradients_stay_dense_where_transformers_clips_elsewhere(
    make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = prepare_run(make_recipe(), news_rows, tmp_path).build_trainer()
    monkeypatch.delattr(Trainer, "_clip_grad_norm")
    with accelerated(trainer):
        assert not trainer.model.get_input_embeddings().sparse


@pytest.mark.parametrize("parts", [1, 3])
def test_sparse_word_gradients_train_as_dense_ones(parts: int, tmp_path: Path) -> None:
    encoder = save_encoder(tmp_path / "encoder", "bert")

    def take_steps(*, is_sparse: bool) -> tuple[dict[str, Tensor], list[float]]:
        model = load_tiny(encoder).model.eval()
        optimizer, norms = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1, fused=True), []
        words = model.get_input_embeddings().weight
        trainer: Any = Clipper(0.1)
        with clip_in_step(trainer, optimizer), sparse_word_gradients(model, optimizer) if is_sparse else nullcontext():
            for step in range(4):
                for part in range(parts):
                    # Words repeat within a batch, come back, and stay away.
                    tokens = (BATCH["input_ids"] + 2 * step * (part + 1)) % 20
                    model(**{**BATCH, "input_ids": tokens}, labels=torch.tensor([0, 1])).loss.backward()
                assert words.grad.is_sparse == is_sparse
                norms.append(trainer._clip_grad_norm(model).item())
                optimizer.step()
                assert not words.grad.is_sparse
                optimizer.zero_grad()
        moments = {f"moment {index}": one["exp_avg_sq"] for index, one in optimizer.state_dict()["state"].items()}
        return {**model.state_dict(), **moments}, norms

    (ours, norms), (expected, expected_norms) = take_steps(is_sparse=True), take_steps(is_sparse=False)
    assert norms == pytest.approx(expected_norms)
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-6)


def test_gradients_are_dense_again_after_the_context(tmp_path: Path) -> None:
    model = load_tiny(save_encoder(tmp_path / "encoder", "bert")).model
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    with pytest.raises(KeyError), sparse_word_gradients(model, optimizer):
        raise KeyError
    model(**BATCH, labels=torch.tensor([0, 1])).loss.backward()
    assert not model.get_input_embeddings().weight.grad.is_sparse


@pytest.mark.parametrize(("optim", "is_sparse"), [("adamw_torch_fused", True), ("adamw_torch", False)])
def test_training_keeps_word_gradients_sparse_where_the_optimizer_is_fused(
    optim: str, is_sparse: bool, make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path
) -> None:
    seen = []

    class Watch(TrainerCallback):
        def on_pre_optimizer_step(
            self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
        ) -> None:
            seen.append(kwargs["model"].get_input_embeddings().weight.grad.is_sparse)

    settings = ("freeze=null", "training_arguments.max_steps=2", f"training_arguments.optim={optim}")
    run = prepare_run(make_recipe(*settings), news_rows, tmp_path)
    trainer = run.build_trainer()
    trainer.add_callback(Watch())
    with accelerated(trainer):
        trainer.train()
    assert seen == [is_sparse] * 2


def test_optimizer_is_fused_as_its_checkpoint_says() -> None:
    optimizers = [torch.optim.AdamW([nn.Parameter(torch.ones(2))], fused=fused) for fused in (True, False)]
    assert [is_fused(optimizer) for optimizer in optimizers] == [True, False]
    optimizers[0].load_state_dict(optimizers[1].state_dict())
    assert not is_fused(optimizers[0])
    assert not is_fused(torch.optim.SGD([nn.Parameter(torch.ones(2))], fused=True))
