"""The freeze, seen in real runs: which parameters each step changed."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hf_newscls.training.callbacks.freeze import TwoStageFreezeCallback
from tests.tiny_models import QUIET, MakeRecipe, TinyRun, load_tiny, prepare_run, save_encoder


class ChangeRecorder(TrainerCallback):
    """Notes for each optimizer step which parameters it changed and which had a gradient."""

    def __init__(self) -> None:
        self.changed: list[set[str]] = []
        self.with_gradient: list[set[str]] = []

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._before = {name: value.detach().clone() for name, value in kwargs["model"].named_parameters()}

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        parameters = kwargs["model"].named_parameters()
        self.with_gradient.append({name for name, value in parameters if value.grad is not None})

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        parameters = kwargs["model"].named_parameters()
        self.changed.append({name for name, value in parameters if not torch.equal(value, self._before[name])})


def record(run: TinyRun) -> ChangeRecorder:
    """Train, and return what changed at each step."""
    recorder = ChangeRecorder()
    trainer = run.build_trainer()
    trainer.add_callback(recorder)
    trainer.train()
    return recorder


def name_all(run: TinyRun) -> set[str]:
    return {name for name, _ in run.classifier.model.named_parameters()}


# 16 rows in batches of 4 are 4 steps an epoch. Without warm-up no step has the rate 0.
STAGES = (
    *QUIET,
    "training_arguments.per_device_train_batch_size=4",
    "training_arguments.warmup_steps=0",
    "freeze.warmup=0",
)


@pytest.mark.parametrize("head", ["stock", "two_layer"])
@pytest.mark.parametrize("architecture", ["bert", "roberta", "distilbert"])
def test_stage_one_changes_the_new_and_stage_two_everything(
    architecture: str, head: str, make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path
) -> None:
    folder = save_encoder(tmp_path / "encoder", architecture)
    recipe = make_recipe(
        *STAGES,
        f"model.model_name_or_path={folder}",
        f"model.head={head}",
        "freeze.epochs=0.5",
        "training_arguments.num_train_epochs=0.5",
    )
    run = prepare_run(recipe, news_rows, tmp_path / "run")
    everything, new = name_all(run), name_all(run) - run.classifier.backbone_parameters
    recorder = record(run)
    assert recorder.changed == [new, new, everything, everything]
    # The backward pass through the encoder is not merely wasted in stage 1: it is left out.
    assert recorder.with_gradient == [new, new, everything, everything]


def test_boundary_counts_optimizer_steps_where_batches_accumulate(
    make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path
) -> None:
    overrides = ("training_arguments.gradient_accumulation_steps=2", "training_arguments.num_train_epochs=1")
    run = prepare_run(make_recipe(*STAGES, *overrides), news_rows, tmp_path)
    everything, new = name_all(run), name_all(run) - run.classifier.backbone_parameters
    assert record(run).changed == [new, new, everything, everything]


def test_without_freeze_everything_learns_from_the_first_step(
    make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path
) -> None:
    overrides = (*STAGES[:-1], "freeze=null", "training_arguments.max_steps=2")
    run = prepare_run(make_recipe(*overrides), news_rows, tmp_path)
    assert record(run).changed == [name_all(run)] * 2


@pytest.mark.parametrize("max_steps", [2, 4, 6])
def test_nothing_stays_frozen_after_training(
    max_steps: int, make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path
) -> None:
    # The boundary is at step 4: training ends before, at and after it.
    run = prepare_run(make_recipe(*STAGES, f"training_arguments.max_steps={max_steps}"), news_rows, tmp_path)
    before = {name: value.detach().clone() for name, value in run.classifier.model.named_parameters()}
    run.build_trainer().train()
    parameters = dict(run.classifier.model.named_parameters())
    assert all(parameter.requires_grad for parameter in parameters.values())
    is_loaded_changed = {not torch.equal(parameters[name], before[name]) for name in run.classifier.backbone_parameters}
    assert is_loaded_changed == {max_steps > 4}


@pytest.mark.parametrize(("step", "is_frozen"), [(0, True), (2, True), (3, False), (9, False)])
def test_stage_depends_only_on_the_step(step: int, is_frozen: bool, tiny_encoder: Path, tmp_path: Path) -> None:
    classifier = load_tiny(tiny_encoder)
    callback = TwoStageFreezeCallback(classifier.backbone_parameters, boundary_step=3)
    arguments = TrainingArguments(output_dir=str(tmp_path), use_cpu=True)
    callback.on_train_begin(arguments, TrainerState(global_step=step), TrainerControl(), model=classifier.model)
    trainable = {name for name, value in classifier.model.named_parameters() if value.requires_grad}
    everything = {name for name, _ in classifier.model.named_parameters()}
    assert trainable == (everything - classifier.backbone_parameters if is_frozen else everything)


def test_what_did_not_learn_before_is_not_thawed(tiny_encoder: Path, tmp_path: Path) -> None:
    # As the weights under an adapter.
    classifier = load_tiny(tiny_encoder)
    still = next(one for name, one in classifier.model.named_parameters() if name in classifier.backbone_parameters)
    still.requires_grad_(False)
    callback = TwoStageFreezeCallback(classifier.backbone_parameters, boundary_step=3)
    arguments = TrainingArguments(output_dir=str(tmp_path), use_cpu=True)
    for event, step in ((callback.on_train_begin, 0), (callback.on_step_begin, 3), (callback.on_train_end, 4)):
        event(arguments, TrainerState(global_step=step), TrainerControl(), model=classifier.model)
        assert not still.requires_grad
    assert sum(not one.requires_grad for one in classifier.model.parameters()) == 1


def test_nothing_is_frozen_before_training_begins(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    # The Trainer leaves out of its optimizer what is frozen when it is built.
    run = prepare_run(make_recipe(*STAGES), news_rows, tmp_path)
    trainer = run.build_trainer()
    assert all(parameter.requires_grad for parameter in trainer.model.parameters())
    in_optimizer = {id(value) for group in trainer.optimizer.param_groups for value in group["params"]}
    assert in_optimizer == {id(value) for value in trainer.model.parameters()}


def test_log_names_the_stages(
    make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = prepare_run(make_recipe(*STAGES, "training_arguments.max_steps=6"), news_rows, tmp_path)
    total = sum(parameter.numel() for parameter in run.classifier.model.parameters())
    with caplog.at_level("INFO", logger="hf_newscls"):
        run.build_trainer().train()
    lines = [record.getMessage() for record in caplog.records if record.name.endswith(".freeze")]
    assert lines == [
        "step 0: stage 1 begins and trains 99 parameters",
        f"step 4: stage 2 begins and trains {total:,} parameters",
    ]


class ModeRecorder(TrainerCallback):
    """Notes at the end of each step which modules with dropout were in training mode in it."""

    def __init__(self) -> None:
        self.seen: list[set[str]] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        modules = kwargs["model"].named_modules()
        self.seen.append({name for name, one in modules if isinstance(one, torch.nn.Dropout) and one.training})


def test_frozen_part_has_no_dropout_in_stage_one(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    # Fails without _stay_in_eval: the Trainer calls model.train() before each step.
    overrides = ("freeze.cache_features=false", "freeze.epochs=0.5", "training_arguments.num_train_epochs=0.5")
    run = prepare_run(make_recipe(*STAGES, *overrides), news_rows, tmp_path)
    trainer, recorder = run.build_trainer(), ModeRecorder()
    trainer.add_callback(recorder)
    trainer.train()
    modules = run.classifier.model.named_modules()
    everything = {name for name, module in modules if isinstance(module, torch.nn.Dropout)}
    assert len(everything) > 3
    assert recorder.seen == [{"dropout"}, {"dropout"}, everything, everything]


def test_nothing_stays_in_eval_mode_after_training(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    run = prepare_run(make_recipe(*STAGES, "training_arguments.max_steps=2"), news_rows, tmp_path)
    run.build_trainer().train()
    model = run.classifier.model.train()
    assert all(module.training for module in model.modules())


@pytest.mark.parametrize(("accumulation", "boundary"), [(1, 6), (2, 3)])
def test_boundary_in_epochs_is_rounded_up_to_a_step(
    accumulation: int, boundary: int, make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path
) -> None:
    # 16 rows in batches of 4: an epoch and a half are 6 batches.
    overrides = (f"training_arguments.gradient_accumulation_steps={accumulation}", "training_arguments.max_steps=8")
    run = prepare_run(make_recipe(*STAGES, "freeze=null", *overrides), news_rows, tmp_path)
    trainer, recorder = run.build_trainer(), ChangeRecorder()
    trainer.add_callback(TwoStageFreezeCallback(run.classifier.backbone_parameters, boundary_epoch=1.5))
    trainer.add_callback(recorder)
    trainer.train()
    new = name_all(run) - run.classifier.backbone_parameters
    assert [changed == new for changed in recorder.with_gradient] == [index < boundary for index in range(8)]


@pytest.mark.parametrize("boundary", [{}, {"boundary_step": 1, "boundary_epoch": 1.0}])
def test_one_boundary_must_be_given(boundary: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"boundary_step.*boundary_epoch"):
        TwoStageFreezeCallback([], **boundary)


def test_what_is_not_named_is_left_as_it_is(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    # Weights under an adapter are frozen by someone else, and must not be thawed.
    run = prepare_run(make_recipe(*STAGES, "freeze=null", "training_arguments.max_steps=2"), news_rows, tmp_path)
    weight = run.classifier.model.bert.embeddings.word_embeddings.weight.requires_grad_(False)
    trainer = run.build_trainer()
    trainer.add_callback(TwoStageFreezeCallback(["classifier.weight"], boundary_step=1))
    trainer.train()
    assert not weight.requires_grad
    assert run.classifier.model.classifier.weight.requires_grad


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # torch's own, about itself
def test_compiled_model_learns_in_the_same_stages(make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    weights = []
    for is_compiled in (False, True):
        overrides = (
            f"training_arguments.torch_compile={str(is_compiled).lower()}",
            "model.config={hidden_dropout_prob: 0.0, attention_probs_dropout_prob: 0.0}",
            "freeze.epochs=0.5",
            "training_arguments.num_train_epochs=0.5",
        )
        run = prepare_run(make_recipe(*STAGES, *overrides), news_rows, tmp_path / str(is_compiled))
        everything, new = name_all(run), name_all(run) - run.classifier.backbone_parameters
        recorder = record(run)
        assert recorder.changed == [new, new, everything, everything]
        assert recorder.with_gradient == [new, new, everything, everything]
        weights.append({name: value.detach() for name, value in run.classifier.model.named_parameters()})
    for name, value in weights[0].items():
        assert torch.allclose(weights[1][name], value, atol=1e-4), name


def test_snippet_of_the_docs_runs(tiny_encoder: Path, make_recipe: MakeRecipe, news_rows: Any, tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "docs" / "freeze.md").read_text(encoding="utf-8")
    snippet = text.split("```python\n")[1].split("```")[0]
    rows = prepare_run(make_recipe(*QUIET), news_rows, tmp_path).tokenized["train"]
    space = {"encoder": str(tiny_encoder), "output_dir": str(tmp_path / "out"), "train_dataset": rows}
    collated = snippet.replace("train_dataset=train_dataset,", "train_dataset=train_dataset, data_collator=collator,")
    space["collator"] = prepare_run(make_recipe(*QUIET), news_rows, tmp_path).build_trainer().data_collator
    quiet = collated.replace("num_train_epochs=3,", "num_train_epochs=3, use_cpu=True, disable_tqdm=True,")
    exec(compile(quiet, "docs/freeze.md", "exec"), space)
    trainer: Any = space["trainer"]
    # 16 rows in batches of 8.
    assert trainer.state.global_step == 6
    assert {round(group["lr"], 9) for group in trainer.optimizer.param_groups} == {0.0}
    assert len(trainer.optimizer.param_groups) > 4
