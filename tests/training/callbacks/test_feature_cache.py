"""Stage 1 on cached features has the losses of a run without, and runs the frozen part once per row."""

import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BertConfig, BertForPreTraining, BertModel, ModernBertConfig, ModernBertModel, PreTrainedModel

from tests.tiny_models import MakeRecipe, TinyRun, prepare_run, save_encoder

# 16 rows in batches of 4: stage 1 has 3 epochs of 4 steps, stage 2 one. Dropout is on, in encoder and head.
CACHED = (
    "freeze.epochs=3",
    "training_arguments.num_train_epochs=1",
    "training_arguments.per_device_train_batch_size=4",
    "training_arguments.logging_steps=1",
)


def count_rows(module: torch.nn.Module) -> list[int]:
    """Note the rows of each call."""
    seen: list[int] = []
    module.register_forward_pre_hook(
        lambda _, args, kwargs: seen.append(len(args[0] if args else kwargs["hidden_states"])), with_kwargs=True
    )
    return seen


def train(run: TinyRun) -> list[dict[str, float]]:
    trainer = run.build_trainer()
    trainer.train()
    return trainer.state.log_history


def losses(history: Sequence[dict[str, float]]) -> list[float]:
    return [entry[name] for entry in history for name in ("loss", "eval_loss", "grad_norm") if name in entry]


ENCODERS: list[Any] = [
    ("bert", "stock", None),  # reads the pooler, which is loaded
    pytest.param("bert", "two_layer", None, marks=pytest.mark.slow),
    ("roberta", "stock", None),  # reads the first token, there is no pooler
    ("distilbert", "stock", None),
]


@pytest.mark.parametrize(("architecture", "head", "model_class"), ENCODERS)
def test_losses_are_those_of_a_run_without_cache(
    architecture: str,
    head: str,
    model_class: type[PreTrainedModel] | None,
    make_recipe: MakeRecipe,
    news_rows: Any,
    tmp_path: Path,
) -> None:
    # Fails where the frozen part keeps its dropout in the run without cache.
    folder = save_encoder(tmp_path / "encoder", architecture, model_class=model_class)
    overrides = (*CACHED, f"model.model_name_or_path={folder}", f"model.head={head}")
    cached = prepare_run(make_recipe(*overrides), news_rows, tmp_path / "cached")
    plain = prepare_run(make_recipe(*overrides, "freeze.cache_features=false"), news_rows, tmp_path / "plain")
    assert losses(train(cached)) == pytest.approx(losses(train(plain)), abs=1e-5)
    state, expected = cached.classifier.model.state_dict(), plain.classifier.model.state_dict()
    assert max((state[name] - expected[name]).abs().max().item() for name in expected) < 1e-4


def test_new_pooler_learns_from_cached_features(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    folder = save_encoder(tmp_path / "encoder", "bert")
    config = BertConfig.from_pretrained(folder)
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    overrides = (*CACHED, f"model.model_name_or_path={folder}")
    cached = prepare_run(make_recipe(*overrides), news_rows, tmp_path / "cached")
    assert any(".pooler." in name for name, _ in cached.classifier.model.named_parameters())
    assert not any(".pooler." in name for name in cached.classifier.backbone_parameters)
    plain = prepare_run(make_recipe(*overrides, "freeze.cache_features=false"), news_rows, tmp_path / "plain")
    rows = count_rows(cached.classifier.model.bert.encoder)
    assert losses(train(cached)) == pytest.approx(losses(train(plain)), abs=1e-5)
    assert sum(rows[:8]) < 3 * 16


def test_frozen_part_runs_once_for_each_row(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    run = prepare_run(make_recipe(*CACHED), news_rows, tmp_path, validation=6)
    rows = count_rows(run.classifier.model.bert.encoder)
    train(run)
    # A probe of 4 rows, twice; one row for the shape; all rows once; then stage 2 with its evaluation.
    assert sum(rows) == 4 + 4 + 1 + (16 + 6) + (16 + 6)
    assert "zero_grad" not in vars(run.classifier.model)


def test_cache_leaves_no_file(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    train(prepare_run(make_recipe(*CACHED), news_rows, tmp_path / "run"))
    assert [*(tmp_path / "run").glob("features*")] == []


@pytest.mark.parametrize("step", [3, pytest.param(7, marks=pytest.mark.slow)])
def test_run_resumed_in_stage_one_equals_an_uninterrupted_one(
    step: int, make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path
) -> None:
    recipe = make_recipe(
        *CACHED,
        "training_arguments.save_strategy=steps",
        "training_arguments.save_steps=1",
        "training_arguments.save_total_limit=null",
        "training_arguments.eval_strategy='no'",
        "training_arguments.load_best_model_at_end=false",
    )
    whole = prepare_run(recipe, news_rows, tmp_path / "whole")
    train(whole)
    resumed = prepare_run(recipe, news_rows, tmp_path / "resumed")
    resumed.build_trainer().train(resume_from_checkpoint=str(tmp_path / "whole" / f"checkpoint-{step}"))
    state, expected = resumed.classifier.model.state_dict(), whole.classifier.model.state_dict()
    assert max((state[name] - expected[name]).abs().max().item() for name in expected) == 0.0


def read_log(run: TinyRun, caplog: pytest.LogCaptureFixture) -> str:
    with caplog.at_level("INFO", logger="hf_newscls"):
        train(run)
    return caplog.text


def test_head_that_reads_all_tokens_runs_without(
    make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = save_encoder(tmp_path / "encoder", "bert")
    sizes: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    special = {"pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
    config = ModernBertConfig(vocab_size=300, intermediate_size=64, **sizes, **special)
    config.classifier_pooling = "mean"
    ModernBertModel(config).save_pretrained(folder)
    overrides = (*CACHED, f"model.model_name_or_path={folder}", "training_arguments.max_steps=5")
    run = prepare_run(make_recipe(*overrides), news_rows, tmp_path / "run")
    log = read_log(run, caplog)
    assert "stage 1 runs without cached features" in log
    assert "reads more than a text's first token" in log


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        (("freeze.cache_features=false",), "freeze.cache_features is false"),
        (("freeze.epochs=0.5",), "shorter than an epoch"),
    ],
)
def test_run_without_cache_says_why(
    overrides: tuple[str, ...],
    reason: str,
    make_recipe: MakeRecipe,
    news_rows: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = prepare_run(make_recipe(*CACHED, *overrides), news_rows, tmp_path)
    assert reason in read_log(run, caplog)


def test_full_disk_only_costs_the_cache(
    make_recipe: MakeRecipe,
    news_rows: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)
    cached = prepare_run(make_recipe(*CACHED), news_rows, tmp_path / "cached")
    log = read_log(cached, caplog)
    assert "stage 1 runs without cached features" in log
    assert os.strerror(errno.ENOSPC) in log
    assert [*(tmp_path / "cached").glob("features*")] == []


def test_encoder_saved_with_another_head_is_cached_too(
    make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = save_encoder(tmp_path / "encoder", "bert", model_class=BertForPreTraining)
    run = prepare_run(make_recipe(*CACHED, f"model.model_name_or_path={folder}"), news_rows, tmp_path / "run")
    assert "for 16 training and 6 validation rows" in read_log(run, caplog)


def test_bfloat16_losses_agree_too(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    overrides = (*CACHED, "training_arguments.bf16=true")
    cached = prepare_run(make_recipe(*overrides), news_rows, tmp_path / "cached")
    plain = prepare_run(make_recipe(*overrides, "freeze.cache_features=false"), news_rows, tmp_path / "plain")
    # Eight bits of mantissa, in batches padded otherwise.
    assert losses(train(cached)) == pytest.approx(losses(train(plain)), rel=0.05, abs=0.02)


@pytest.mark.parametrize(("epochs", "without_tokens"), [(1.0, 4), (1.5, 4), (2.0, 8)])
def test_tokens_are_left_out_of_whole_epochs_of_stage_one(
    epochs: float, without_tokens: int, make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path
) -> None:
    # 16 rows in batches of 4. Batches are made ahead: one of stage 2 without its tokens would train on nothing.
    overrides = (f"freeze.epochs={epochs}", f"training_arguments.num_train_epochs={3 - epochs}")
    run = prepare_run(make_recipe(*CACHED, *overrides), news_rows, tmp_path)
    widths: list[int] = []
    run.classifier.model.register_forward_pre_hook(
        lambda module, inputs, options: widths.append(options["input_ids"].shape[1]) if module.training else None,
        with_kwargs=True,
    )
    trainer = run.build_trainer()
    trainer.train()
    assert [width == 1 for width in widths] == [index < without_tokens for index in range(12)]
    assert "input_ids" in trainer.train_dataset[0]
