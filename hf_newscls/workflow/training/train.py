"""Train and evaluate a model."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hf_newscls.distributed import run_on_main
from hf_newscls.errors import format_duration
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.runs.checkpoints import discard_unfinished
from hf_newscls.runs.folder import RunFolder
from hf_newscls.runs.resuming import has_interrupted, open_run
from hf_newscls.storage import check_disk_space, check_folder, replace_folder, report_disk_errors, write_json
from hf_newscls.workflow.evaluation.evaluate import evaluate_folder
from hf_newscls.workflow.prepare import prepare, to_recipe
from hf_newscls.workflow.quiet import quiet_libraries
from hf_newscls.workflow.run import Run
from hf_newscls.workflow.training.availability import check_availability, find_cpu_recipe
from hf_newscls.workflow.training.duration import estimate_seconds

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import TrainerCallback, TrainingArguments

    from hf_newscls.data.prepared.splits import PreparedData
    from hf_newscls.modeling.loading import PretrainedClassifier
    from hf_newscls.modeling.token_counts import TokenSummary
    from hf_newscls.training.backend import Backend
    from hf_newscls.training.record import TrainingRecord
    from hf_newscls.training.schedule import TwoStageSchedule
    from hf_newscls.training.trackers import TrackedRun

_COUNTED_ROWS = 10_000  # at least; enough to know the fraction of unknown tokens
_LONG_SECONDS = 3600

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What a training will do.

    Attributes:
        prepared: the rows.
        schedule: the steps of both stages.
        device: the device to train on.
        parameters: number of parameters of the model.
        new_parameters: number of those that stage 1 trains.
        trained_parameters: number of those that stage 2 trains; with an adapter, those of adapter and head.
        tokens: of the training texts, or of a sample of them.
        seconds: about how long the steps take on this CPU; None on other devices.
    """

    prepared: PreparedData
    schedule: TwoStageSchedule
    device: str
    parameters: int
    new_parameters: int
    trained_parameters: int
    tokens: TokenSummary
    seconds: float | None

    @property
    def is_long(self) -> bool:
        """Whether the training would take more than an hour on this CPU."""
        return (self.seconds or 0) > _LONG_SECONDS


@dataclass(frozen=True)
class _Setup:
    """All that a training needs before it starts."""

    prepared: PreparedData
    classifier: PretrainedClassifier
    arguments: TrainingArguments
    backend: Backend
    tokens: TokenSummary


@quiet_libraries()
def plan(recipe: Recipe | str | Path, *, runs_dir: str | Path = "runs") -> Plan:
    """Check recipe, data and model, and return what a training will do. Nothing is trained or written.

    Args:
        recipe: a recipe, or its name or path.
        runs_dir: where the run folders are.

    Raises:
        InputError: recipe, data or model cannot be used.
    """
    recipe = to_recipe(recipe)
    check_availability(recipe)
    return _build_plan(recipe, _set_up(recipe, runs_dir=Path(runs_dir)))


def _build_plan(recipe: Recipe, setup: _Setup) -> Plan:
    from hf_newscls.training.schedule import plan_schedule

    train, arguments = setup.prepared.splits["train"], setup.arguments
    schedule = plan_schedule(recipe.freeze, arguments, train_rows=len(train), finetune=recipe.finetune)
    batch_rows = arguments.train_batch_size * arguments.gradient_accumulation_steps * arguments.world_size
    is_cpu = setup.backend.device == "cpu"
    return Plan(
        prepared=setup.prepared,
        schedule=schedule,
        device=setup.backend.name,
        parameters=setup.classifier.count_parameters(),
        new_parameters=setup.classifier.count_trainable(only_new=True),
        trained_parameters=setup.classifier.count_trainable(),
        tokens=setup.tokens,
        seconds=estimate_seconds(
            recipe,
            train,
            setup.classifier,
            schedule=schedule,
            batch_rows=batch_rows,
            bf16=arguments.bf16,
        )
        if is_cpu
        else None,
    )


@quiet_libraries()
def train(
    recipe: Recipe | str | Path,
    *,
    callbacks: Sequence[TrainerCallback] = (),
    on_plan: Callable[[Plan], None] = lambda plan: None,
    resume: bool = True,
    runs_dir: str | Path = "runs",
    cards_dir: str | Path | None = None,
) -> Run:
    """Train a model and evaluate it. The run folder gets model, metrics, predictions, figures, report and card.

    Nothing is published: only the command line follows the recipe's `hub.publish`. Call `publish` with the result.

    Args:
        recipe: a recipe, or its name or path.
        callbacks: for the Trainer, next to the package's own.
        on_plan: called before a new training and before anything is written, not before a run is resumed; an error
            that it raises ends the command.
        resume: continue the recipe's last run if it was interrupted.
        runs_dir: where the run folders are.
        cards_dir: folder for a copy of the model card.

    Raises:
        InputError: recipe, data or model cannot be used, or the interrupted run had others; nothing was written.
        StorageError: the disk is full; half-written files were removed.
        TrainingInterrupted: a signal stopped the training; a checkpoint was written.
    """
    recipe, runs_dir = to_recipe(recipe), Path(runs_dir)
    cards_dir = None if cards_dir is None else Path(cards_dir)
    for folder in filter(None, (runs_dir, cards_dir)):
        check_folder(folder)
    check_availability(recipe)
    from hf_newscls.modeling.loading import count_positions  # imported late: these take seconds
    from hf_newscls.modeling.tokenization import tokenize_splits
    from hf_newscls.training.fit import fit_classifier
    from hf_newscls.training.trackers import TrackedRun

    setup = _set_up(recipe, runs_dir=runs_dir)
    prepared, classifier = setup.prepared, setup.classifier
    if not (resume and run_on_main(partial(has_interrupted, recipe.name, runs_dir=runs_dir))):
        run_on_main(lambda: _show_plan(recipe, setup, on_plan))
    # The windows of a text hold fewer tokens than it: each window has its own special tokens.
    max_length = min(recipe.model.max_length, count_positions(classifier.model))
    tokenized = tokenize_splits(
        prepared.splits, classifier.tokenizer, max_length=max_length, truncation=recipe.model.truncation
    )
    check_disk_space(runs_dir, parameters=classifier.model.num_parameters())
    # `accelerate launch` starts several processes: all train, the main one does the rest and holds the lock.
    with ExitStack() as stack:
        fingerprint = prepared.manifest.fingerprint
        opening = open_run(recipe, fingerprint=fingerprint, runs_dir=runs_dir, resume=resume)
        opened = run_on_main(lambda: stack.enter_context(opening))
        run = opened.run
        setup.arguments.output_dir = str(run.checkpoints)
        stack.enter_context(report_disk_errors(run.path))
        discarding = discard_unfinished(run)
        run_on_main(lambda: stack.enter_context(discarding))
        run_on_main(lambda: _describe_run(run, recipe, prepared))
        tracked = TrackedRun(setup.arguments, recipe, fingerprint=fingerprint, folder=run.path)
        if not run.training.is_file():
            record = fit_classifier(
                classifier,
                tokenized,
                recipe=recipe,
                arguments=setup.arguments,
                backend=setup.backend,
                callbacks=[*tracked.callbacks, *callbacks],
                resume_from=opened.checkpoint,
            )
            run_on_main(lambda: _save(run, recipe, classifier, record=record, validation=prepared.splits["validation"]))
        finished = run_on_main(lambda: evaluate_folder(run, recipe, prepared, runs_dir=runs_dir, cards_dir=cards_dir))
        run_on_main(lambda: _log_results(tracked, run, finished))
    logger.info("finished %s", run.path)
    return finished


def _log_results(tracked: TrackedRun, folder: RunFolder, finished: Run) -> None:
    figures = sorted(folder.figures.glob("*.png"))
    tracked.log_results(finished.report.test.scores, figures, step=folder.read_json(folder.training)["total_steps"])


def _set_up(recipe: Recipe, *, runs_dir: Path) -> _Setup:
    from hf_newscls.data.language import check_language
    from hf_newscls.modeling.loading import describe_parameters, load_pretrained
    from hf_newscls.training.arguments import build_training_arguments
    from hf_newscls.training.backend import detect_backend

    prepared = prepare(recipe)
    check_language(prepared.splits["train"], recipe.data, source_name=recipe.data.source_text)
    backend = detect_backend(use_cpu=recipe.use_cpu)
    arguments = build_training_arguments(recipe, output_dir=runs_dir, backend=backend)
    run_on_main(lambda: _warn(recipe, prepared, arguments, runs_dir=runs_dir))
    classifier = load_pretrained(recipe.model, prepared.label_names, seed=recipe.seed)
    logger.info("loaded %s: %s", recipe.model.model_name_or_path, describe_parameters(classifier))
    tokens = run_on_main(lambda: _summarize_tokens(recipe, prepared, classifier))
    if recipe.adapter is not None:
        from hf_newscls.modeling.adapters import add_adapter

        classifier = add_adapter(classifier, recipe.adapter, seed=recipe.seed)
    return _Setup(prepared, classifier, arguments, backend, tokens)


def _show_plan(recipe: Recipe, setup: _Setup, on_plan: Callable[[Plan], None]) -> None:
    plan = _build_plan(recipe, setup)
    if plan.seconds is not None:
        logger.info("training takes about %s on this CPU", format_duration(plan.seconds))
    if plan.is_long and (other := find_cpu_recipe(recipe)):
        logger.info("the recipe %s is for the same data, with a smaller encoder", other)
    on_plan(plan)


def _summarize_tokens(recipe: Recipe, prepared: PreparedData, classifier: PretrainedClassifier) -> TokenSummary:
    """Count the tokens of evenly spaced training rows, and warn if the tokenizer hardly knows them."""
    from hf_newscls.modeling.tokenization import count_tokens

    train = prepared.splits["train"]
    rows = train.select(range(0, len(train), max(1, len(train) // _COUNTED_ROWS)))
    tokens = count_tokens(rows["text"][:], classifier.tokenizer).summarize(max_length=recipe.model.max_length)
    tokens.warn_of_unknown(recipe.model.model_name_or_path)
    return tokens


def _warn(recipe: Recipe, prepared: PreparedData, arguments: TrainingArguments, *, runs_dir: Path) -> None:
    """Warn before the training of what would only show after it."""
    from hf_newscls.workflow.evaluation.other_data import check_other_data
    from hf_newscls.workflow.evaluation.other_run import check_other_run

    fingerprint = prepared.manifest.fingerprint
    check_other_run(recipe.evaluation.compare_with, fingerprint=fingerprint, runs_dir=runs_dir)
    check_other_data(recipe, prepared.label_names)
    metric = str(arguments.metric_for_best_model)
    is_log_loss = metric.endswith("log_loss") or (metric == "loss" and recipe.loss.is_plain)
    if recipe.rebalances_classes and arguments.load_best_model_at_end and is_log_loss:
        logger.warning(
            "%s chooses the best checkpoint, but rebalancing the classes makes it worse; "
            "set training_arguments.metric_for_best_model=f1_macro",
            metric,
        )


def _describe_run(run: RunFolder, recipe: Recipe, prepared: PreparedData) -> None:
    run.write_recipe(recipe)
    write_json(run.split, prepared.manifest.to_dict())


def _save(
    run: RunFolder, recipe: Recipe, classifier: PretrainedClassifier, *, record: TrainingRecord, validation: Dataset
) -> None:
    """Write the model folder, which `pipeline()` loads, whole or not at all; then the record of the training."""
    from hf_newscls.inference.predicting import TrainedClassifier
    from hf_newscls.modeling.adapters import merge_adapter, save_adapter
    from hf_newscls.modeling.sources.fetch import describe_origin
    from hf_newscls.workflow.training.calibration_step import calibrate

    model = classifier.model if recipe.is_adapter_only else merge_adapter(classifier.model)
    if recipe.hub.calibrate:
        record = replace(
            record, temperature=calibrate(TrainedClassifier(model.eval(), classifier.tokenizer), validation)
        )
    origin = describe_origin(recipe.model)
    with replace_folder(run.model) as folder:
        if recipe.is_adapter_only and recipe.base_model is not None:
            save_adapter(model, folder, base_model=recipe.base_model, revision=recipe.base_revision)
        else:
            model.save_pretrained(folder)
        classifier.tokenizer.save_pretrained(folder)
    write_json(run.training, replace(record, encoder_commit=origin.commit, encoder_license=origin.license).to_dict())
