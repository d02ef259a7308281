"""Run the Trainer over both stages."""

import logging
import math
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
from datasets import Dataset, DatasetDict
from scipy.special import softmax
from transformers import (
    EvalPrediction,
    PreTrainedModel,
    PrinterCallback,
    ProgressCallback,
    Trainer,
    TrainerCallback,
    TrainerState,
    TrainingArguments,
)

from hf_newscls.errors import RunError, format_examples
from hf_newscls.evaluation.metric_names import TRAINING_METRICS
from hf_newscls.evaluation.metrics import compute_scores
from hf_newscls.modeling.loading import PretrainedClassifier
from hf_newscls.modeling.modeling_windowed import WindowedClassifier
from hf_newscls.recipe.recipe import FinetuneSection, FreezeSection
from hf_newscls.recipe.training import LossSection, SamplingSection
from hf_newscls.runs.checkpoints import read_trainer_state
from hf_newscls.training.acceleration.apply import accelerated
from hf_newscls.training.arguments import describe_arguments
from hf_newscls.training.backend import Backend
from hf_newscls.training.callbacks.early_stopping import SecondStageEarlyStopping
from hf_newscls.training.callbacks.energy import measuring_energy
from hf_newscls.training.callbacks.feature_cache import FeatureCacheCallback
from hf_newscls.training.callbacks.freeze import TwoStageFreezeCallback
from hf_newscls.training.callbacks.frozen_part import FrozenEncoder, FrozenWindows
from hf_newscls.training.callbacks.interruption import InterruptionCallback
from hf_newscls.training.callbacks.progress import EpochLogCallback, ProgressBarCallback
from hf_newscls.training.collator import build_collator
from hf_newscls.training.losses import build_loss
from hf_newscls.training.optimizer import build_two_stage_optimizers
from hf_newscls.training.record import TrainingRecord, describe_machine, describe_versions
from hf_newscls.training.sampler import compute_useful_fraction, order_rows, weigh_rows
from hf_newscls.training.schedule import TwoStageSchedule, count_steps_per_epoch, plan_schedule
from hf_newscls.training.trainer import NewsTrainer, measure_lengths

__all__ = ["build_trainer", "fit_classifier"]

logger = logging.getLogger(__name__)


def fit_classifier(
    classifier: PretrainedClassifier,
    tokenized: DatasetDict,
    *,
    arguments: TrainingArguments,
    freeze: FreezeSection | None,
    backend: Backend,
    finetune: FinetuneSection | None = None,
    loss: LossSection | None = None,
    sampling: SamplingSection | None = None,
    lengths: Sequence[int] | None = None,
    callbacks: Sequence[TrainerCallback] = (),
    resume_from: Path | None = None,
) -> TrainingRecord:
    """Train a classifier in place, in two stages where the recipe freezes.

    Args:
        classifier: what `load_pretrained` returned.
        tokenized: what `tokenize_splits` returned; train and validation are used, test is not touched.
        arguments: what `build_training_arguments` returned.
        freeze: stage 1, if there is one.
        backend: the device.
        finetune: what stage 2 does beyond the arguments.
        loss: what is minimised; the plain cross-entropy if None.
        sampling: how often rows are drawn; every row once an epoch if None.
        lengths: that batches are padded to; None for that of their longest row.
        callbacks: for the Trainer, next to our own.
        resume_from: a whole checkpoint to go on from.

    Raises:
        RunError: the checkpoint belongs to a run of other length, as on another number of devices.
        TrainingInterrupted: a signal came; a checkpoint was written.

    Returns:
        The record of the run. Where `load_best_model_at_end` holds the model is the best one by validation.
    """
    train_rows = len(tokenized["train"])
    schedule = plan_schedule(freeze, arguments, train_rows=train_rows, finetune=finetune)
    trainer = build_trainer(
        classifier,
        tokenized,
        arguments=arguments,
        freeze=freeze,
        finetune=finetune,
        loss=loss,
        sampling=sampling,
        lengths=lengths,
        callbacks=callbacks,
    )
    _log_padding(tokenized["train"], arguments, lengths)
    if resume_from is not None:
        _check_length(resume_from, schedule)
    parameters = [*classifier.model.named_parameters()]
    # Before stage 1 freezes some of them.
    learning = {name: one.numel() for name, one in parameters if one.requires_grad}
    if not schedule.has_stage_two:
        learning = {name: size for name, size in learning.items() if name not in classifier.backbone_parameters}
        logger.warning(
            "training ends within stage 1, after %d steps: only the new parameters learn; take more steps or epochs",
            schedule.total_steps,
        )
    interruption = InterruptionCallback()
    trainer.add_callback(interruption)
    backend.seed(arguments.seed)
    start = time.perf_counter()
    with (
        interruption.listening(),
        accelerated(classifier.model, arguments, trainer.optimizer),
        measuring_energy() as energy,
    ):
        trainer.train(resume_from_checkpoint=None if resume_from is None else str(resume_from))
    state: TrainerState = trainer.state
    return TrainingRecord(
        # An overflow under fp16 logs an infinite gradient norm, which JSON cannot hold.
        log_history=[
            {name: value for name, value in entry.items() if math.isfinite(value)} for entry in state.log_history
        ],
        boundary_step=schedule.boundary_step,
        total_steps=state.global_step,
        best_step=_find_best_step(state, arguments),
        runtime_seconds=time.perf_counter() - start,
        train_rows=train_rows,
        batch_rows=arguments.train_batch_size * arguments.world_size * arguments.gradient_accumulation_steps,
        parameters=sum(one.numel() for _, one in parameters),
        trained_parameters=sum(learning.values()),
        device=backend.name,
        precision="bfloat16" if arguments.bf16 else "float16" if arguments.fp16 else "float32",
        finished=datetime.now(timezone.utc).date().isoformat(),
        versions=describe_versions(),
        settings=describe_arguments(arguments),
        machine=describe_machine(),
        energy_kwh=energy.kwh,
    )


def _find_best_step(state: TrainerState, arguments: TrainingArguments) -> int | None:
    """Return the step whose model is kept, and say so; None where that of the last step is."""
    if not arguments.load_best_model_at_end or not state.best_global_step:
        return None
    step, steps, metric = state.best_global_step, state.global_step, arguments.metric_for_best_model
    logger.info("kept step %d of %d: the first that is best on validation by %s", step, steps, metric)
    return step


def build_trainer(
    classifier: PretrainedClassifier,
    tokenized: DatasetDict,
    *,
    arguments: TrainingArguments,
    freeze: FreezeSection | None,
    finetune: FinetuneSection | None = None,
    loss: LossSection | None = None,
    sampling: SamplingSection | None = None,
    lengths: Sequence[int] | None = None,
    callbacks: Sequence[TrainerCallback] = (),
) -> Trainer:
    """Set a `Trainer` up with our optimizer, schedule, freeze, loss and order of the rows."""
    model, tokenizer = classifier.model, classifier.tokenizer
    finetune = finetune or FinetuneSection()
    labels = tokenized["train"]["labels"][:]
    train_rows = len(labels)
    schedule = plan_schedule(freeze, arguments, train_rows=train_rows, finetune=finetune)
    if freeze is not None and freeze.steps is not None:
        arguments.max_steps = schedule.total_steps  # no number of epochs says it exactly
    obstacle = _find_cache_obstacle(classifier, arguments, freeze, schedule, train_rows=train_rows)
    if freeze is not None and obstacle:
        logger.info("stage 1 runs without cached features: %s", obstacle)
    trainer = NewsTrainer(
        model,
        arguments,
        train_dataset=tokenized["train"],
        eval_dataset=tokenized["validation"],
        has_row_numbers=obstacle is None,
        row_weights=weigh_rows(labels, sampling) if sampling is not None else None,
        compute_loss_func=build_loss(loss or LossSection(), labels, num_labels=len(model.config.id2label or {})),
        processing_class=tokenizer,
        data_collator=build_collator(tokenizer, lengths=lengths, multiple_of=_choose_multiple(arguments)),
        compute_metrics=_compute_metrics,
        callbacks=[
            TwoStageFreezeCallback(classifier.backbone_parameters, boundary_step=schedule.boundary_step),
            EpochLogCallback(),
            *callbacks,
        ],
        optimizers=build_two_stage_optimizers(
            model,
            classifier.backbone_parameters,
            arguments,
            train_rows=train_rows,
            freeze=freeze,
            finetune=finetune,
        ),
    )
    if obstacle is None:
        trainer.add_callback(_build_feature_cache(model, trainer, schedule))
    if finetune.early_stopping_patience is not None:
        trainer.add_callback(
            SecondStageEarlyStopping(patience=finetune.early_stopping_patience, boundary_step=schedule.boundary_step)
        )
    # Stock heads accept num_items_in_batch and ignore it; told so, the Trainer divides the loss by the number of
    # accumulated batches (transformers#47688).
    trainer.model_accepts_loss_kwargs = False
    trainer.remove_callback(PrinterCallback if arguments.disable_tqdm else ProgressCallback)
    if not arguments.disable_tqdm:
        trainer.add_callback(ProgressBarCallback())
    return trainer


def _check_length(checkpoint: Path, schedule: TwoStageSchedule) -> None:
    steps = read_trainer_state(checkpoint)["max_steps"]
    if steps != schedule.total_steps:
        raise RunError(
            f"{checkpoint}: an interrupted run must go on with as many steps as it had, {steps}, "
            f"got {schedule.total_steps}; take as many devices as before, or begin anew with --no-resume"
        )


def _find_cache_obstacle(
    classifier: PretrainedClassifier,
    arguments: TrainingArguments,
    freeze: FreezeSection | None,
    schedule: TwoStageSchedule,
    *,
    train_rows: int,
) -> str | None:
    """Say why stage 1 cannot, or need not, run on cached features; None where it can."""
    model = classifier.model
    if freeze is None or not freeze.cache_features:
        return "the recipe asks for none"
    if schedule.boundary_step < count_steps_per_epoch(arguments, train_rows):
        return "it is shorter than an epoch"
    if arguments.device.type == "xla" or arguments.torch_compile or arguments.n_gpu > 1:
        return "XLA, torch.compile and DataParallel run the whole model"
    backbone = model.base_model
    if backbone is model or not isinstance(backbone, PreTrainedModel):
        return f"no backbone can be told from the head in {type(model).__name__}"
    new = [name for name, _ in model.named_parameters() if name not in classifier.backbone_parameters]
    inside = [name for name in new if name.startswith(f"{model.base_model_prefix}.")]
    if not isinstance(model, WindowedClassifier):
        # A new pooler learns from the first token, which is kept; of windows only the pooler's output is.
        inside = [name for name in inside if ".pooler." not in name]
    return f"{format_examples(inside)} of the backbone are new" if inside else None


def _build_feature_cache(
    model: PreTrainedModel, trainer: NewsTrainer, schedule: TwoStageSchedule
) -> FeatureCacheCallback:
    return FeatureCacheCallback(
        model,
        FrozenWindows(model) if isinstance(model, WindowedClassifier) else FrozenEncoder(model.base_model),
        trainer.numbered_datasets,
        collate=trainer.data_collator,
        boundary_step=schedule.boundary_step,
    )


def _choose_multiple(arguments: TrainingArguments) -> int:
    # Tensor cores work in tiles of eight. On a CPU a round length saves less than its padding costs.
    return 8 if arguments.device.type == "cuda" else 1


def _log_padding(dataset: Dataset, arguments: TrainingArguments, lengths: Sequence[int] | None) -> None:
    tokens = measure_lengths(dataset)
    is_grouped = arguments.train_sampling_strategy == "group_by_length"
    batch_rows = arguments.train_batch_size * arguments.gradient_accumulation_steps * arguments.world_size
    order = order_rows(tokens, batch_rows=batch_rows, seed=arguments.seed, epoch=0, is_grouped=is_grouped)
    multiple = _choose_multiple(arguments)
    padded = lengths or range(multiple, max(tokens) + multiple, multiple)
    fraction = compute_useful_fraction(tokens, order, batch_size=arguments.per_device_train_batch_size, lengths=padded)
    logger.info("batches are %.0f%% tokens, the rest is padding", 100 * fraction)


def _compute_metrics(prediction: EvalPrediction) -> dict[str, float]:
    scores = compute_scores(softmax(prediction.predictions, axis=-1), np.asarray(prediction.label_ids), top_k=[])
    return {name: scores[name] for name in TRAINING_METRICS}
