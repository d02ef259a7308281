"""Real, short runs: accumulation, the best checkpoint, the record, and a run that was interrupted."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset, DatasetDict
from safetensors.torch import load_file
from transformers import Trainer, TrainerCallback

from hf_newscls.errors import RunError
from hf_newscls.inference.predicting import TrainedClassifier, load_classifier, predict_probabilities
from hf_newscls.recipe.loading import read_recipe
from hf_newscls.training.backend import Backend
from hf_newscls.training.fit import build_trainer, fit_classifier
from hf_newscls.training.record import TrainingRecord
from tests.conftest import write_csv, write_recipe
from tests.tiny_models import QUIET, MakeRecipe, TinyRun, prepare_run, save_encoder

CPU = Backend("cpu", "CPU of the test", has_bf16=False)
NO_DROPOUT = {
    "stock": ("model.config={hidden_dropout_prob: 0.0, attention_probs_dropout_prob: 0.0}",),
    "two_layer": (
        "model.config={hidden_dropout_prob: 0.0, attention_probs_dropout_prob: 0.0}",
        "model.head=two_layer",
        "model.head_dropout=0.0",
    ),
}


def fit(run: TinyRun, *, resume_from: Path | None = None) -> TrainingRecord:
    return fit_classifier(
        run.classifier,
        run.tokenized,
        recipe=run.recipe,
        arguments=run.arguments,
        backend=CPU,
        resume_from=resume_from,
    )


@dataclass(frozen=True)
class FittedRun:
    """A finished run and what the model was before."""

    run: TinyRun
    record: TrainingRecord
    checkpoints: Path


@pytest.fixture(scope="module")
def fitted(tiny_encoder: Path, news_rows: Any, tmp_path_factory: pytest.TempPathFactory) -> FittedRun:
    """48 rows in batches of 8: 6 steps of stage 1, 12 of stage 2, which diverges; there is no test split."""
    folder = tmp_path_factory.mktemp("fitted")
    write_csv(folder / "news.csv", news_rows)
    path = write_recipe(folder / "tiny.yaml", source=folder / "news.csv", encoder=tiny_encoder)
    # A rate this high spoils the model: the best checkpoint is not the last.
    recipe = read_recipe(str(path), ["training_arguments.learning_rate=3.0", "training_arguments.warmup_steps=0"])
    run = prepare_run(recipe, news_rows, folder / "checkpoints", train=48, validation=18)
    return FittedRun(run, fit(run), folder / "checkpoints")


def test_record_adds_up(fitted: FittedRun) -> None:
    record = fitted.record
    assert (record.boundary_step, record.total_steps) == (6, 18)
    assert (record.train_rows, record.batch_rows) == (48, 8)
    assert (record.device, record.precision) == ("CPU of the test", "float32")
    assert record.runtime_seconds > 0
    assert record.settings["seed"] == 17
    assert record.log_history[-1]["step"] == record.total_steps
    assert record.log_history[-1]["epoch"] == 3.0


def test_record_survives_json(fitted: FittedRun) -> None:
    again = TrainingRecord.from_dict(json.loads(json.dumps(fitted.record.to_dict())))
    assert again == fitted.record


def test_log_has_an_evaluation_an_epoch_and_the_rates_of_both_stages(fitted: FittedRun) -> None:
    evaluations = [entry for entry in fitted.record.log_history if "eval_loss" in entry]
    assert [entry["step"] for entry in evaluations] == [6, 12, 18]
    assert all(
        {"eval_accuracy", "eval_f1_macro", "eval_f1_weighted", "eval_log_loss"} <= set(entry) for entry in evaluations
    )
    rates = {entry["step"]: entry["learning_rate"] for entry in fitted.record.log_history if "learning_rate" in entry}
    assert max(rate for step, rate in rates.items() if step <= 6) <= 1e-2
    assert rates[8] == pytest.approx(3.0 * 11 / 12)


def test_model_is_the_best_checkpoint(fitted: FittedRun) -> None:
    history = fitted.record.log_history
    losses = {entry["step"]: entry["eval_log_loss"] for entry in history if "eval_log_loss" in entry}
    assert fitted.record.best_step == min(losses, key=losses.__getitem__) < fitted.record.total_steps
    best = load_file(fitted.checkpoints / f"checkpoint-{fitted.record.best_step}" / "model.safetensors")
    state = fitted.run.classifier.model.state_dict()
    assert state.keys() == best.keys()
    assert all(torch.equal(state[name], best[name]) for name in best)
    # No other checkpoint is left on the disk.
    assert [path.name for path in fitted.checkpoints.iterdir()] == [f"checkpoint-{fitted.record.best_step}"]


def test_model_is_a_saved_checkpoint_if_a_better_one_was_not_saved(
    make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path
) -> None:
    # Stage 2 begins after two steps and diverges; only steps 4 and 6 are saved.
    steps = ("eval_strategy=steps", "eval_steps=1", "save_strategy=steps", "save_steps=4", "save_total_limit=null")
    rate = ("learning_rate=3.0", "warmup_steps=0", "metric_for_best_model=loss")
    recipe = make_recipe(*(f"training_arguments.{one}" for one in (*steps, *rate)))
    run = prepare_run(recipe, news_rows, tmp_path, validation=18)
    record = fit(run)
    losses = {entry["step"]: entry["eval_loss"] for entry in record.log_history if "eval_loss" in entry}
    assert min(losses, key=losses.__getitem__) not in {4, 6}
    kept = load_file(tmp_path / f"checkpoint-{record.best_step or record.total_steps}" / "model.safetensors")
    state = run.classifier.model.state_dict()
    assert all(torch.equal(state[name], kept[name]) for name in kept)


def test_encoder_that_returns_more_than_logits_is_evaluated(
    make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path
) -> None:
    run = prepare_run(make_recipe("model.config={output_hidden_states: true}"), news_rows, tmp_path)
    assert any("eval_accuracy" in entry for entry in fit(run).log_history)


def test_log_loss_is_a_mean_over_rows(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    # 7 rows in batches of 4: in a mean over batches each of the last three would weigh more.
    overrides = ("training_arguments.per_device_eval_batch_size=4", "training_arguments.max_steps=3")
    run = prepare_run(make_recipe(*overrides), news_rows, tmp_path, validation=7)
    logged = [entry["eval_log_loss"] for entry in fit(run).log_history if "eval_log_loss" in entry]
    model, losses = run.classifier.model.eval(), []
    for row in run.tokenized["validation"]:
        logits = model(input_ids=torch.tensor([row["input_ids"]])).logits.detach()
        losses.append(torch.nn.functional.cross_entropy(logits, torch.tensor([row["labels"]])).item())
    assert min(logged) == pytest.approx(sum(losses) / 7, rel=1e-5)


def test_loss_falls_and_the_news_are_learned(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    overrides = ("training_arguments.num_train_epochs=16", "training_arguments.learning_rate=2e-3")
    # Where batches come in an unlucky order, so small a model may take two of the classes for one until the end.
    recipe = make_recipe(*overrides, NO_DROPOUT["stock"][0], "training_arguments.data_seed=1")
    run = prepare_run(recipe, news_rows, tmp_path, train=72, validation=24)
    history = fit(run).log_history
    losses = [entry["loss"] for entry in history if "loss" in entry]
    evaluations = [entry for entry in history if "eval_loss" in entry]
    # Three words of five in each title tell its class; guessing one of three costs ln 3.
    assert losses[0] == pytest.approx(math.log(3), abs=0.3)
    assert sum(losses[-9:]) / 9 < 0.5 * losses[0]  # over the last epoch: a single batch may be a hard one
    assert evaluations[-1]["eval_loss"] < evaluations[0]["eval_loss"]
    assert evaluations[-1]["eval_accuracy"] > 0.9


def test_best_step_is_none_where_the_last_model_is_kept(
    make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path
) -> None:
    overrides = ("training_arguments.load_best_model_at_end=false", "training_arguments.num_train_epochs=1")
    record = fit(prepare_run(make_recipe(*overrides), news_rows, tmp_path))
    assert record.best_step is None
    assert record.total_steps == 4


@pytest.mark.parametrize(("bf16", "precision"), [("true", "bfloat16"), ("false", "float32")])
def test_record_names_the_precision(
    bf16: str, precision: str, make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path
) -> None:
    overrides = (*QUIET, f"training_arguments.bf16={bf16}", "training_arguments.max_steps=1")
    run = prepare_run(make_recipe(*overrides), news_rows, tmp_path)
    assert fit(run).precision == precision
    # Mixed precision does not change the type of the weights.
    assert {parameter.dtype for parameter in run.classifier.model.parameters()} == {torch.float32}


def test_without_freeze_there_is_no_boundary(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    overrides = (*QUIET, "freeze=null", "training_arguments.num_train_epochs=0.5")
    record = fit(prepare_run(make_recipe(*overrides), news_rows, tmp_path, train=32))
    assert (record.boundary_step, record.total_steps) == (0, 2)


def test_run_that_ends_in_stage_one_says_so(
    make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = prepare_run(make_recipe(*QUIET, "training_arguments.max_steps=2", "freeze.epochs=1"), news_rows, tmp_path)
    record = fit(run)
    assert not record.has_stage_two
    assert record.trained_parameters == 3 * 32 + 3  # the head: of the tiny encoder's pooler there are weights
    (warning,) = [one.getMessage() for one in caplog.records if one.name == "hf_newscls.training.fit"]
    assert "stage 1, at step 2:" in warning
    assert "num_train_epochs or max_steps" in warning


def test_batch_rows_count_accumulated_batches(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    overrides = (*QUIET, "training_arguments.gradient_accumulation_steps=3", "training_arguments.max_steps=1")
    assert fit(prepare_run(make_recipe(*overrides), news_rows, tmp_path, train=24)).batch_rows == 24


def read_first_step(trainer: Trainer) -> tuple[float, float]:
    trainer.train()
    entry = trainer.state.log_history[0]
    return entry["loss"], entry["grad_norm"]


@pytest.mark.parametrize("head", ["stock", "two_layer"])
def test_accumulated_batches_weigh_as_one(head: str, make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    # The 16 rows are all there are, so each first step is over the same rows. Fails for stock heads without
    # `trainer.model_accepts_loss_kwargs = False` in build_trainer: loss and gradient are then 2 and 4 times too large.
    def compute_first_step(batch_rows: int, batches: int) -> tuple[float, float]:
        recipe = make_recipe(
            *QUIET,
            *NO_DROPOUT[head],
            "freeze=null",
            f"training_arguments.per_device_train_batch_size={batch_rows}",
            f"training_arguments.gradient_accumulation_steps={batches}",
            "training_arguments.max_steps=1",
        )
        return read_first_step(prepare_run(recipe, news_rows, tmp_path).build_trainer())

    whole = compute_first_step(16, 1)
    assert whole[1] > 0
    assert compute_first_step(8, 2) == pytest.approx(whole, rel=1e-4)
    assert compute_first_step(4, 4) == pytest.approx(whole, rel=1e-4)


def test_accumulation_is_right_in_anyones_trainer(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    # Fails without `accepts_loss_kwargs = False` in NewsClassifier.
    def compute_first_step(batch_rows: int, batches: int) -> tuple[float, float]:
        recipe = make_recipe(
            *QUIET,
            *NO_DROPOUT["two_layer"],
            f"training_arguments.per_device_train_batch_size={batch_rows}",
            f"training_arguments.gradient_accumulation_steps={batches}",
            "training_arguments.max_steps=1",
        )
        run = prepare_run(recipe, news_rows, tmp_path)
        ours = run.build_trainer()
        return read_first_step(
            Trainer(
                model=run.classifier.model,
                args=run.arguments,
                train_dataset=run.tokenized["train"],
                data_collator=ours.data_collator,
            )
        )

    assert compute_first_step(4, 4) == pytest.approx(compute_first_step(16, 1), rel=1e-4)


RESUMABLE = (
    "training_arguments.eval_strategy='no'",
    "training_arguments.load_best_model_at_end=false",
    "training_arguments.save_strategy=steps",
    "training_arguments.save_steps=1",
    "training_arguments.save_total_limit=null",
    "training_arguments.per_device_train_batch_size=4",
    "training_arguments.gradient_accumulation_steps=2",
    "training_arguments.num_train_epochs=2",
)


# 16 rows, 2 steps an epoch: the boundary is at step 2, the end at step 6. Dropout is on. Step 3 lies within an epoch:
# there the stock length-grouped sampler draws other batches than the uninterrupted run had, ours does not.
@pytest.mark.parametrize("sampling", ["group_by_length", pytest.param("random", marks=pytest.mark.slow)])
@pytest.mark.parametrize("head", ["two_layer", pytest.param("stock", marks=pytest.mark.slow)])
def test_resumed_run_equals_an_uninterrupted_one(
    head: str, sampling: str, make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path
) -> None:
    recipe = make_recipe(*RESUMABLE, f"model.head={head}", f"training_arguments.train_sampling_strategy={sampling}")
    whole = prepare_run(recipe, news_rows, tmp_path / "whole")
    whole.build_trainer().train()
    expected = whole.classifier.model.state_dict()
    for step in (1, 2, 3, 5):
        resumed = prepare_run(recipe, news_rows, tmp_path / f"resumed-{step}")
        trainer = resumed.build_trainer()
        trainer.train(resume_from_checkpoint=str(tmp_path / "whole" / f"checkpoint-{step}"))
        assert trainer.state.global_step == 6
        state = resumed.classifier.model.state_dict()
        assert max((state[name] - expected[name]).abs().max().item() for name in expected) == 0.0, step


def test_run_that_ended_within_an_epoch_resumes_without_another_step(
    make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path
) -> None:
    # 2 steps of stage 1, 3 of stage 2: the last one lies within an epoch.
    recipe = make_recipe(*RESUMABLE, "training_arguments.num_train_epochs=1.5")
    whole = prepare_run(recipe, news_rows, tmp_path / "whole")
    assert fit(whole).total_steps == 5
    resumed, last = prepare_run(recipe, news_rows, tmp_path / "resumed"), tmp_path / "whole" / "checkpoint-5"
    record = fit(resumed, resume_from=last)
    assert (record.total_steps, record.resumed_step) == (5, 5)
    expected, state = whole.classifier.model.state_dict(), resumed.classifier.model.state_dict()
    assert all(torch.equal(state[name], expected[name]) for name in expected)
    (last / "rng_state_1.pth").touch()  # as if two processes had trained
    resumed.arguments.max_steps = 5  # otherwise the number of steps is another one
    with pytest.raises(RunError, match="processes of the interrupted run: 2"):
        fit(resumed, resume_from=last)


def test_batches_are_padded_to_their_longest_row(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    rows = [{**row, "title": row["body"]} for row in news_rows]
    run = prepare_run(make_recipe(*QUIET), rows, tmp_path, train=48)
    longest, widths = [], []
    for batch in run.build_trainer().get_train_dataloader():
        longest.append(int(batch["attention_mask"].sum(dim=1).max()))
        widths.append(batch["input_ids"].shape[1])
    assert widths == longest
    # Rows of similar length share a batch.
    assert min(widths) < max(widths)


def test_padding_never_exceeds_what_the_encoder_reads(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    # 60 positions are no multiple of 8: rows of 60 tokens must not be padded to 64.
    folder = save_encoder(tmp_path / "encoder", "bert", max_position_embeddings=60)
    overrides = (f"model.model_name_or_path={folder}", "model.max_length=60", "training_arguments.max_steps=1")
    long_rows = [{**row, "title": f"{row['title']} {'new ' * 100}"} for row in news_rows]
    record = fit(prepare_run(make_recipe(*QUIET, *overrides), long_rows, tmp_path / "run"))
    assert record.total_steps == 1


def test_model_trained_in_bfloat16_computes_in_float32_afterwards(
    make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path
) -> None:
    recipe = make_recipe("training_arguments.bf16=true", "training_arguments.num_train_epochs=1", *QUIET)
    run = prepare_run(recipe, news_rows, tmp_path)
    assert fit(run).precision == "bfloat16"
    model, texts = run.classifier.model.eval(), [row["title"] for row in news_rows]
    model.save_pretrained(tmp_path / "model")
    run.classifier.tokenizer.save_pretrained(tmp_path / "model")
    found = predict_probabilities(TrainedClassifier(model, run.classifier.tokenizer), texts)
    assert np.array_equal(found, predict_probabilities(load_classifier(tmp_path / "model"), texts))


def test_log_has_one_line_an_evaluation(
    make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = prepare_run(make_recipe("training_arguments.num_train_epochs=1"), news_rows, tmp_path)
    with caplog.at_level("INFO", logger="hf_newscls"):
        record = fit(run)
    evaluations = [entry for entry in record.log_history if "eval_loss" in entry]
    lines = [line.getMessage() for line in caplog.records if line.getMessage().startswith("epoch ")]
    assert lines == [
        f"epoch {epoch}.00, step {2 * epoch} of 4: validation log loss {entry['eval_log_loss']:.4f}, "
        f"after calibration {entry['eval_refined_log_loss']:.4f}, "
        f"accuracy {entry['eval_accuracy']:.4f}, macro F1 {entry['eval_f1_macro']:.4f}"
        for epoch, entry in enumerate(evaluations, start=1)
    ]


class Untouchable(Dataset):
    """A split that fails the test when anything reads it."""

    def __getitem__(self, key: Any) -> Any:
        raise AssertionError(f"the test split was read: {key}")

    def __iter__(self) -> Any:
        raise AssertionError("the test split was read")


def test_test_split_is_not_read(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    run = prepare_run(make_recipe("training_arguments.max_steps=2"), news_rows, tmp_path)
    split = Untouchable(run.tokenized["validation"].data)
    tokenized = DatasetDict({**run.tokenized, "test": split})
    record = fit_classifier(run.classifier, tokenized, recipe=run.recipe, arguments=run.arguments, backend=CPU)
    assert record.total_steps == 2


class SpeedupWatch(TrainerCallback):
    """Note in each step which speed-ups have patched the training."""

    def __init__(self, trainer: Trainer) -> None:
        self.found: list[set[str]] = []
        self._trainer = trainer
        self._optimizer: Any = trainer.optimizer  # the Trainer wraps it later

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        model: Any = self._trainer.model
        last = model.bert.encoder.layer[-1]
        traces = {
            "attention": model.config._attn_implementation != "sdpa",
            "hooks of the last layer": any(module._forward_pre_hooks for module in last.modules()),
            "clipping": "_clip_grad_norm" in vars(self._trainer),
            "hook after a step": bool(self._optimizer._optimizer_step_post_hooks),
            "sparse gradients": model.get_input_embeddings().sparse,
            "hook before a step": bool(self._optimizer._optimizer_step_pre_hooks),
        }
        self.found.append({name for name, is_there in traces.items() if is_there})


@pytest.mark.parametrize(("speedups", "patches"), [("true", 6), ("false", 0)])
def test_recipe_turns_the_speedups_off(
    speedups: str, patches: int, make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    overrides = (*QUIET, "training_arguments.max_steps=3", "training_arguments.bf16=true", "freeze=null")
    run = prepare_run(make_recipe(*overrides, f"speedups={speedups}"), news_rows, tmp_path)
    watches: list[SpeedupWatch] = []

    def build_watched(*args: Any, **options: Any) -> Trainer:
        trainer = build_trainer(*args, **options)
        watches.append(SpeedupWatch(trainer))
        trainer.add_callback(watches[0])
        return trainer

    monkeypatch.setattr("hf_newscls.training.fit.build_trainer", build_watched)
    fit(run)
    assert [len(found) for found in watches[0].found] == [patches] * 3


def test_padding_is_logged_for_the_order_of_the_first_epoch(
    make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # Titles and bodies in random batches: how much is padding depends on the seed of the order.
    rows = [row | {"title": row["body" if index % 3 else "title"]} for index, row in enumerate(news_rows)]
    overrides = ("training_arguments.train_sampling_strategy=random", "training_arguments.data_seed=5", "freeze=null")
    run = prepare_run(make_recipe(*QUIET, *overrides, "training_arguments.max_steps=6"), rows, tmp_path, train=48)
    used, padded = 0, 0
    for batch in run.build_trainer().get_train_dataloader():
        used, padded = used + int(batch["attention_mask"].sum()), padded + batch["attention_mask"].numel()
    with caplog.at_level("INFO", logger="hf_newscls"):
        fit(run)
    assert f"padding is about {100 * (1 - used / padded):.0f}% of" in caplog.text


def test_schedule_is_planned_once(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    # 16 rows in batches of 8, 2 epochs of stage 2.
    run = prepare_run(make_recipe(*QUIET, "freeze={epochs: null, steps: 3}"), news_rows, tmp_path)
    before = run.arguments.max_steps
    trainer = run.build_trainer()
    trainer.train()
    assert (trainer.schedule.boundary_step, trainer.schedule.total_steps) == (3, 7)
    assert trainer.state.max_steps == trainer.state.global_step == 7
    assert run.arguments.max_steps == before
