"""From rows to a measured model: plan, train, evaluate."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hf_newscls.distributed import run_on_main
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.recipe.serialization import recipe_to_yaml
from hf_newscls.runs.checkpoints import discard_unfinished
from hf_newscls.runs.folder import RunFolder
from hf_newscls.runs.resuming import open_run
from hf_newscls.storage import check_disk_space, check_folder, report_full_disk, write_json, write_text
from hf_newscls.workflow.evaluate import evaluate_run
from hf_newscls.workflow.prepare import prepare

if TYPE_CHECKING:
    from datasets import DatasetDict
    from transformers import TrainingArguments

    from hf_newscls.data.preparation import PreparedData
    from hf_newscls.evaluation.report import EvaluationReport
    from hf_newscls.modeling.loading import PretrainedClassifier
    from hf_newscls.training.backend import Backend
    from hf_newscls.training.schedule import TwoStageSchedule

__all__ = ["Plan", "plan", "train"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What a training would do.

    Attributes:
        prepared: the rows.
        schedule: both stages in steps.
        device: what it would run on.
        parameters: of the encoder with its head.
        new_parameters: those of them that stage 1 trains.
    """

    prepared: PreparedData
    schedule: TwoStageSchedule
    device: str
    parameters: int
    new_parameters: int


def plan(recipe: Recipe, *, runs_dir: Path) -> Plan:
    """Go through everything that comes before training, and train nothing.

    Args:
        recipe: what to do.
        runs_dir: where run folders are kept.

    Raises:
        InputError: recipe, data or model cannot be used.
    """
    from hf_newscls.training.arguments import build_training_arguments
    from hf_newscls.training.backend import detect_backend
    from hf_newscls.training.schedule import plan_schedule

    prepared = prepare(recipe)
    classifier = _load_classifier(recipe, prepared.label_names)
    backend = detect_backend(use_cpu=bool(recipe.training_arguments.get("use_cpu")))
    arguments = build_training_arguments(recipe, output_dir=Path("checkpoints"), backend=backend)
    _warn(recipe, prepared, arguments, runs_dir=runs_dir)
    parameters = dict(classifier.model.named_parameters())
    new = [one for name, one in parameters.items() if one.requires_grad and name not in classifier.backbone_parameters]
    return Plan(
        prepared=prepared,
        schedule=plan_schedule(
            recipe.freeze, arguments, train_rows=len(prepared.splits["train"]), finetune=recipe.finetune
        ),
        device=backend.name,
        parameters=sum(one.numel() for one in parameters.values()),
        new_parameters=sum(one.numel() for one in new),
    )


def train(
    recipe: Recipe, *, runs_dir: Path, cards_dir: Path | None = None, no_resume: bool = False
) -> tuple[RunFolder, EvaluationReport]:
    """Train, evaluate and write the whole run folder; `latest` points at it once it is complete.

    A run that was interrupted goes on where it stopped. Several processes, as `accelerate launch` starts them, train
    together; each prepares the rows, or takes them from the cache, and one of them does the rest.

    Args:
        recipe: what to do.
        runs_dir: where run folders are kept.
        cards_dir: where a copy of the card goes, if anywhere.
        no_resume: begin a new run even where one was interrupted.

    Raises:
        InputError: recipe, data or model cannot be used, or the interrupted run had others; no run folder was made.
        StorageError: the disk is full; what was half-written is gone.
        TrainingInterrupted: a signal came; a checkpoint was written.
    """
    from hf_newscls.modeling.loading import count_positions
    from hf_newscls.modeling.tokenization import tokenize_splits
    from hf_newscls.training.arguments import build_training_arguments
    from hf_newscls.training.backend import detect_backend

    for folder in (runs_dir, cards_dir or runs_dir):
        check_folder(folder)
    prepared = prepare(recipe)
    backend = detect_backend(use_cpu=bool(recipe.training_arguments.get("use_cpu")))
    arguments = build_training_arguments(recipe, output_dir=runs_dir, backend=backend)
    run_on_main(lambda: _warn(recipe, prepared, arguments, runs_dir=runs_dir))
    classifier = _load_classifier(recipe, prepared.label_names)
    # Windows hold a little less than their tokens together: each has special tokens of its own.
    max_length = min(recipe.model.max_length, count_positions(classifier.model))
    tokenized = tokenize_splits(
        prepared.splits, classifier.tokenizer, max_length=max_length, truncation=recipe.model.truncation
    )
    check_disk_space(runs_dir, parameters=classifier.model.num_parameters())
    with ExitStack() as stack:
        # The lock is held by the main process alone.
        opened = run_on_main(
            lambda: stack.enter_context(
                open_run(recipe, fingerprint=prepared.manifest.fingerprint, runs_dir=runs_dir, no_resume=no_resume)
            )
        )
        run = opened.run
        arguments.output_dir = str(run.checkpoints)
        stack.enter_context(report_full_disk(run.path))
        discarding = discard_unfinished(run.path, checkpoints=run.checkpoints, sign=run.training)
        run_on_main(lambda: stack.enter_context(discarding))
        run_on_main(lambda: _describe_run(run, recipe, prepared))
        if not run.training.is_file():
            _fit(run, recipe, classifier, tokenized, arguments, backend, resume_from=opened.checkpoint)
        report = run_on_main(lambda: evaluate_run(run, recipe, prepared, runs_dir=runs_dir, cards_dir=cards_dir))
    logger.info("finished %s", run.path)
    return run, report


def _warn(recipe: Recipe, prepared: PreparedData, arguments: TrainingArguments, *, runs_dir: Path) -> None:
    """Say before training what would be missed or regretted after it."""
    from hf_newscls.workflow.other_run import check_other_run

    fingerprint = prepared.manifest.fingerprint
    check_other_run(recipe.evaluation.compare_with, fingerprint=fingerprint, runs_dir=runs_dir)
    metric = (arguments.metric_for_best_model or "").removeprefix("eval_")
    is_log_loss = metric == "log_loss" or (metric == "loss" and recipe.loss.is_plain)
    if recipe.rebalances_classes and arguments.load_best_model_at_end and is_log_loss:
        logger.warning(
            "%s chooses the checkpoint of a model that is trained to even labels out, which is worse by it on "
            "purpose; take training_arguments.metric_for_best_model=f1_macro",
            metric,
        )


def _load_classifier(recipe: Recipe, label_names: Sequence[str]) -> PretrainedClassifier:
    from hf_newscls.modeling.loading import load_pretrained

    classifier = load_pretrained(recipe.model, label_names, seed=recipe.seed)
    if recipe.adapter is None:
        return classifier
    from hf_newscls.modeling.adapters import add_adapter

    return add_adapter(classifier, recipe.adapter, seed=recipe.seed)


def _describe_run(run: RunFolder, recipe: Recipe, prepared: PreparedData) -> None:
    write_text(run.recipe, recipe_to_yaml(recipe))
    write_json(run.split, prepared.manifest.to_dict())


def _fit(
    run: RunFolder,
    recipe: Recipe,
    classifier: PretrainedClassifier,
    tokenized: DatasetDict,
    arguments: TrainingArguments,
    backend: Backend,
    *,
    resume_from: Path | None,
) -> None:
    from hf_newscls.modeling.sources import describe_origin
    from hf_newscls.training.fit import fit_classifier
    from hf_newscls.workflow.artifacts import save_model

    record = fit_classifier(
        classifier,
        tokenized,
        recipe=recipe,
        arguments=arguments,
        backend=backend,
        resume_from=resume_from,
    )

    def save() -> None:
        """Save the model and the record of its training."""
        origin = describe_origin(recipe.model)
        whole = replace(record, encoder_commit=origin.commit, encoder_license=origin.license)
        save_model(run, classifier.model, classifier.tokenizer, recipe=recipe)
        write_json(run.training, whole.to_dict())

    run_on_main(save)
