"""Training with windows: what learns, accumulation, cached features, resuming, and the whole flow."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from transformers import BertConfig, BertModel, pipeline

from hf_newscls import workflow
from tests.conftest import FinishedRun, read_table
from tests.tiny_models import QUIET, MakeRecipe, TinyRun, prepare_run, save_encoder
from tests.training.callbacks.test_feature_cache import CACHED, losses, read_log, train
from tests.training.callbacks.test_freeze import STAGES, name_all, record
from tests.training.test_fit import NO_DROPOUT, RESUMABLE, read_first_step

# Titles fill one window of 8 tokens, bodies up to five.
WINDOWS = "model={max_length: null, windows: {count: 4, length: 8, pooling: attention, window_batch_size: 8}}"


@pytest.fixture
def long_rows(news_rows: Any) -> list[dict[str, str]]:
    """The tiny news, every other row with its body."""
    return [row | {"title": row["body" if index % 2 else "title"]} for index, row in enumerate(news_rows)]


def measure_difference(run: TinyRun, other: TinyRun) -> float:
    state, expected = run.classifier.model.state_dict(), other.classifier.model.state_dict()
    return max((state[name] - expected[name]).abs().max().item() for name in expected)


@pytest.mark.parametrize("head", ["stock", "two_layer"])
@pytest.mark.parametrize("architecture", ["bert", "roberta", "distilbert"])
def test_stage_one_changes_head_and_pooling_and_stage_two_everything(
    architecture: str, head: str, make_recipe: MakeRecipe, long_rows: Any, tmp_path: Path
) -> None:
    folder = save_encoder(tmp_path / "encoder", architecture)
    epochs = ("freeze.epochs=0.5", "training_arguments.num_train_epochs=0.5")
    overrides = (f"model.model_name_or_path={folder}", f"model.head={head}", *epochs)
    run = prepare_run(make_recipe(*STAGES, WINDOWS, *overrides), long_rows, tmp_path / "run")
    everything, new = name_all(run), name_all(run) - run.classifier.backbone_parameters
    assert {name.partition(".")[0] for name in new} == {"document_head", "window_pooling"}
    recorder = record(run)
    assert recorder.with_gradient == [new, new, everything, everything]
    assert recorder.changed == [new, new, everything, everything]


def test_accumulated_batches_weigh_as_one(make_recipe: MakeRecipe, long_rows: Any, tmp_path: Path) -> None:
    def compute_first_step(batch_rows: int, batches: int) -> tuple[float, float]:
        sizes = (
            f"training_arguments.per_device_train_batch_size={batch_rows}",
            f"training_arguments.gradient_accumulation_steps={batches}",
        )
        stop = ("freeze=null", "training_arguments.max_steps=1")
        recipe = make_recipe(*QUIET, *NO_DROPOUT["stock"], WINDOWS, *sizes, *stop)
        return read_first_step(prepare_run(recipe, long_rows, tmp_path).build_trainer())

    whole = compute_first_step(16, 1)
    assert compute_first_step(8, 2) == pytest.approx(whole, rel=1e-4)
    assert compute_first_step(4, 4) == pytest.approx(whole, rel=1e-4)


@pytest.mark.parametrize(
    "pooling", ["gru", *(pytest.param(name, marks=pytest.mark.slow) for name in ("mean", "max", "attention"))]
)
def test_losses_with_cached_windows_are_those_without(
    pooling: str, make_recipe: MakeRecipe, long_rows: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    overrides = (*CACHED, WINDOWS, f"model.windows.pooling={pooling}")
    cached = prepare_run(make_recipe(*overrides), long_rows, tmp_path / "cached")
    plain = prepare_run(make_recipe(*overrides, "freeze.cache_features=false"), long_rows, tmp_path / "plain")
    with caplog.at_level("INFO", logger="hf_newscls"):
        found = losses(train(cached))
    assert "for 16 training and 6 validation rows" in caplog.text
    assert found == pytest.approx(losses(train(plain)), abs=1e-5)
    assert measure_difference(cached, plain) < 1e-4


def test_new_pooler_behind_windows_runs_without_cache(
    make_recipe: MakeRecipe, long_rows: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = save_encoder(tmp_path / "encoder", "bert")
    BertModel(BertConfig.from_pretrained(folder), add_pooling_layer=False).save_pretrained(folder)
    overrides = (*CACHED, WINDOWS, f"model.model_name_or_path={folder}", "training_arguments.max_steps=5")
    run = prepare_run(make_recipe(*overrides), long_rows, tmp_path / "run")
    assert "'backbone.pooler.dense.weight', 'backbone.pooler.dense.bias'" in read_log(run, caplog)


@pytest.mark.parametrize(
    "overrides",
    [pytest.param((), id="whole"), pytest.param(("adapter={r: 4}",), id="adapter", marks=pytest.mark.slow)],
)
def test_resumed_run_equals_an_uninterrupted_one(
    overrides: Sequence[str], make_recipe: MakeRecipe, long_rows: Any, tmp_path: Path
) -> None:
    recipe = make_recipe(*RESUMABLE, WINDOWS, *overrides)
    whole = prepare_run(recipe, long_rows, tmp_path / "whole")
    whole.build_trainer().train()
    for step in (1, 3):
        resumed = prepare_run(recipe, long_rows, tmp_path / f"resumed-{step}")
        resumed.build_trainer().train(resume_from_checkpoint=str(tmp_path / "whole" / f"checkpoint-{step}"))
        assert measure_difference(resumed, whole) == 0.0, step


@pytest.mark.slow
def test_text_of_50000_words_neither_crashes_training_nor_the_model(
    make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path
) -> None:
    rows = [row | {"title": row["title"] if index else "goal coach " * 25_000} for index, row in enumerate(news_rows)]
    windows = "model={max_length: null, windows: {count: 400, length: 64, window_batch_size: 16}}"
    run = prepare_run(make_recipe(*QUIET, windows, "training_arguments.max_steps=2"), rows, tmp_path, train=8)
    assert max(map(len, run.tokenized["train"]["input_ids"])) == 400 * 64
    trainer = run.build_trainer()
    trainer.train()
    assert trainer.state.global_step == 2


@pytest.fixture(scope="module")
def windowed_run(train_once: Any) -> FinishedRun:
    """A finished run that reads title and body in windows."""
    return train_once("tiny_windowed", WINDOWS, "training_arguments.num_train_epochs=2")


@pytest.mark.slow
def test_stock_pipeline_gives_the_runs_own_predictions(windowed_run: FinishedRun) -> None:
    rows = read_table(windowed_run.run)
    classify = pipeline("text-classification", model=str(windowed_run.run.model))
    found = [score["label"] for score in classify([row["text"] for row in rows], batch_size=8)]
    assert found == [row["prediction"] for row in rows]


@pytest.mark.slow
def test_text_of_50000_words_is_predicted_and_what_is_cut_is_logged(
    windowed_run: FinishedRun, caplog: pytest.LogCaptureFixture
) -> None:
    text = "goal coach " * 25_000
    with caplog.at_level("INFO", logger="hf_newscls"):
        (prediction,) = workflow.predict("tiny_windowed", [text], runs_dir=windowed_run.runs_dir)
    # Four windows of 8 hold 24 words.
    assert "1 of 1 texts are longer than 26 tokens, 99.9% of all tokens are cut off" in caplog.text
    score = pipeline("text-classification", model=str(windowed_run.run.model))(text)[0]
    assert (prediction.labels[0], prediction.probabilities[0]) == (score["label"], pytest.approx(score["score"]))


@pytest.mark.slow
def test_windows_are_read_as_far_as_they_reach(windowed_run: FinishedRun) -> None:
    # Four windows of 8 hold 24 words: the 24th counts, the 25th does not.
    words = ["goal"] * 23
    texts = [" ".join([*words, *end]) for end in (["planet"], ["bank"], ["planet", "bank"], ["planet", "new"])]
    runs_dir = windowed_run.runs_dir
    found = [one.probabilities for one in workflow.predict("tiny_windowed", texts, runs_dir=runs_dir)]
    assert found[0] != found[1]
    assert found[2] == pytest.approx(found[0], abs=1e-6) == found[3]
