"""Train a classifier by a recipe, in one or two stages."""

import copy
import logging
import math
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
from datasets import DatasetDict
from scipy.special import softmax
from torch import Tensor, nn
from transformers import (
    EvalPrediction,
    PreTrainedModel,
    PrinterCallback,
    TrainerCallback,
    TrainerState,
    TrainingArguments,
)

from hf_newscls.errors import RunError, format_examples
from hf_newscls.evaluation.calibration.temperature import compute_refined_log_loss
from hf_newscls.evaluation.metric_names import REFINED_LOG_LOSS, TRAINING_METRICS, phrase_metric
from hf_newscls.evaluation.metrics import compute_scores
from hf_newscls.modeling.loading import PretrainedClassifier
from hf_newscls.modeling.modeling_windowed import WindowedClassifier
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.recipe.training import FreezeSection
from hf_newscls.runs.checkpoints import read_trainer_state
from hf_newscls.training.acceleration.apply import accelerated
from hf_newscls.training.arguments import describe_arguments
from hf_newscls.training.backend import Backend
from hf_newscls.training.callbacks.evaluation import EvaluationLogCallback, SecondStageEarlyStopping
from hf_newscls.training.callbacks.feature_cache import FeatureCacheCallback
from hf_newscls.training.callbacks.freeze import TwoStageFreezeCallback
from hf_newscls.training.callbacks.interruption import InterruptionCallback
from hf_newscls.training.callbacks.progress import ProgressReportCallback
from hf_newscls.training.collator import build_collator
from hf_newscls.training.energy import measuring_energy
from hf_newscls.training.frozen_part import FrozenEncoder, FrozenWindows
from hf_newscls.training.losses import build_loss
from hf_newscls.training.optimizer import build_optimizer, build_scheduler
from hf_newscls.training.record import TrainingRecord, describe_machine, describe_versions
from hf_newscls.training.sampler import compute_useful_fraction, measure_lengths, weigh_rows
from hf_newscls.training.schedule import TwoStageSchedule, count_steps_per_epoch, plan_schedule
from hf_newscls.training.trainer import NewsTrainer

logger = logging.getLogger(__name__)


def fit_classifier(
    classifier: PretrainedClassifier,
    tokenized: DatasetDict,
    *,
    recipe: Recipe,
    arguments: TrainingArguments,
    backend: Backend,
    callbacks: Sequence[TrainerCallback] = (),
    resume_from: Path | None = None,
) -> TrainingRecord:
    """Train a classifier in place and return the record of the training.

    With `load_best_model_at_end`, the model is the one with the best validation score.

    Args:
        tokenized: from `tokenize_splits`; only train and validation are read.
        arguments: from `build_training_arguments`.
        resume_from: a complete checkpoint.

    Raises:
        RunError: the checkpoint is of a run with another number of steps or of processes.
        TrainingInterrupted: a signal stopped the training; a checkpoint was saved.
    """
    lengths = backend.choose_lengths(recipe.model)
    trainer = build_trainer(
        classifier, tokenized, recipe=recipe, arguments=arguments, lengths=lengths, callbacks=callbacks
    )
    schedule = trainer.schedule
    _log_padding(trainer, lengths)
    resumed_step = 0
    if resume_from is not None:
        resumed_step = _check_checkpoint(resume_from, schedule, arguments)
    trained = classifier.count_trainable(only_new=not schedule.has_stage_two)  # before stage 1 freezes some
    if not schedule.has_stage_two:
        logger.warning(
            "training ends in stage 1, at step %d: only the newly initialized parameters are trained; raise "
            "num_train_epochs or max_steps",
            schedule.total_steps,
        )
    interruption = InterruptionCallback()
    trainer.add_callback(interruption)
    backend.seed(arguments.seed)
    start = time.perf_counter()
    with ExitStack() as stack:
        stack.enter_context(interruption.listening())
        if recipe.speedups:
            stack.enter_context(accelerated(trainer))
        energy = stack.enter_context(measuring_energy())
        trainer.train(resume_from_checkpoint=None if resume_from is None else str(resume_from))
    seconds = time.perf_counter() - start
    # The model goes on without the Trainer's mixed precision.
    trainer.accelerator.unwrap_model(classifier.model, keep_fp32_wrapper=False)
    if backend.is_static:
        nn.Module.to(classifier.model, "cpu")  # tensors of XLA cannot be saved as they are
    state: TrainerState = trainer.state
    return TrainingRecord(
        # Under fp16 an overflow logs an infinite gradient norm, which JSON does not allow.
        log_history=[
            {name: value for name, value in entry.items() if math.isfinite(value)} for entry in state.log_history
        ],
        boundary_step=schedule.boundary_step,
        total_steps=state.global_step,
        best_step=_find_best_step(state, arguments),
        runtime_seconds=seconds,
        resumed_step=resumed_step,
        train_rows=len(tokenized["train"]),
        batch_rows=trainer.get_total_train_batch_size(arguments),
        parameters=classifier.count_parameters(),
        trained_parameters=trained,
        device=backend.name,
        precision="bfloat16" if arguments.bf16 else "float16" if arguments.fp16 else "float32",
        finished=datetime.now(timezone.utc).date().isoformat(),
        versions=describe_versions(),
        settings=describe_arguments(arguments),
        machine=describe_machine(),
        energy_kwh=energy.kwh,
    )


def build_trainer(
    classifier: PretrainedClassifier,
    tokenized: DatasetDict,
    *,
    recipe: Recipe,
    arguments: TrainingArguments,
    lengths: Sequence[int] | None = None,
    callbacks: Sequence[TrainerCallback] = (),
) -> NewsTrainer:
    """Return the `Trainer` of a run, without speed-ups; `lengths` in tokens are those that batches are padded to."""
    model, freeze, finetune = classifier.model, recipe.freeze, recipe.finetune
    labels = tokenized["train"]["labels"][:]
    schedule = plan_schedule(freeze, arguments, train_rows=len(labels), finetune=finetune)
    if freeze is not None and freeze.steps is not None:
        arguments = copy.copy(arguments)
        arguments.max_steps = schedule.total_steps  # steps of stage 1 need not be a number of epochs
    nn.Module.to(model, arguments.device)  # an optimizer needs the parameters in their final place
    optimizer = build_optimizer(
        model, classifier.backbone_parameters, arguments, by_layer=finetune.layerwise_lr_decay != 1.0
    )
    obstacle = _find_cache_obstacle(classifier, arguments, freeze, schedule, train_rows=len(labels))
    if freeze is not None and obstacle:
        logger.info("stage 1 runs without cached features: %s", obstacle)
    trainer = NewsTrainer(
        model,
        arguments,
        train_dataset=tokenized["train"],
        eval_dataset=tokenized["validation"],
        schedule=schedule,
        has_row_numbers=obstacle is None,
        row_weights=weigh_rows(labels, recipe.sampling) if recipe.sampling is not None else None,
        compute_loss_func=build_loss(recipe.loss, labels, num_labels=len(model.config.id2label or {})),
        processing_class=classifier.tokenizer,
        data_collator=build_collator(classifier.tokenizer, lengths=lengths, multiple_of=_choose_multiple(arguments)),
        compute_metrics=_compute_metrics,
        preprocess_logits_for_metrics=_take_logits,
        callbacks=[
            TwoStageFreezeCallback(classifier.backbone_parameters, boundary_step=schedule.boundary_step),
            EvaluationLogCallback(),
            ProgressReportCallback(boundary_step=schedule.boundary_step, total_steps=schedule.total_steps),
            *callbacks,
        ],
        optimizers=(optimizer, build_scheduler(optimizer, schedule)),
    )
    if obstacle is None:
        trainer.add_callback(_build_feature_cache(model, trainer))
    if finetune.early_stopping_patience is not None:
        trainer.add_callback(
            SecondStageEarlyStopping(patience=finetune.early_stopping_patience, boundary_step=schedule.boundary_step)
        )
    # Stock heads accept num_items_in_batch but ignore it, and the Trainer then does not divide the loss by the number
    # of accumulated batches (transformers#47688).
    trainer.model_accepts_loss_kwargs = False
    trainer.remove_callback(PrinterCallback)
    return trainer


def _check_checkpoint(checkpoint: Path, schedule: TwoStageSchedule, arguments: TrainingArguments) -> int:
    """Return the step of a checkpoint, and refuse one of another schedule."""
    fix = "use the same number of devices, or start a new run with resume=False or `train … --no-resume`"
    state = read_trainer_state(checkpoint)
    steps = state["max_steps"]
    if steps != schedule.total_steps:
        raise RunError(
            f"{checkpoint}: the interrupted run has {steps} steps, but this one has {schedule.total_steps}; {fix}"
        )
    before = sum(1 for _ in checkpoint.glob("rng_state*.pth"))
    if arguments.max_steps > 0 and before != arguments.world_size:  # then it does not change the number of steps
        raise RunError(f"{checkpoint}: processes of the interrupted run: {before}, now: {arguments.world_size}; {fix}")
    return int(state["global_step"])


def _find_best_step(state: TrainerState, arguments: TrainingArguments) -> int | None:
    """Return the step of the model that is kept; None if it is the last one."""
    if not arguments.load_best_model_at_end or state.best_model_checkpoint is None:
        return None
    # Not `best_global_step`: an evaluation between two checkpoints can be better than both.
    best, metric = int(Path(state.best_model_checkpoint).name.rpartition("-")[2]), str(arguments.metric_for_best_model)
    score = next(one[f"eval_{metric}"] for one in state.log_history if one["step"] == best and f"eval_{metric}" in one)
    logger.info(
        "best checkpoint: step %d of %d (validation %s %.4f)",
        best,
        state.global_step,
        phrase_metric(metric),
        score,
    )
    return best


def _find_cache_obstacle(
    classifier: PretrainedClassifier,
    arguments: TrainingArguments,
    freeze: FreezeSection | None,
    schedule: TwoStageSchedule,
    *,
    train_rows: int,
) -> str | None:
    """Return why stage 1 cannot or need not run on cached features; None if it can."""
    model = classifier.model
    if freeze is None or not freeze.cache_features:
        return "freeze.cache_features is false"
    if schedule.boundary_step < count_steps_per_epoch(arguments, train_rows):
        return "it is shorter than an epoch"
    if arguments.device.type == "xla" or arguments.torch_compile or arguments.n_gpu > 1:
        return "XLA, torch.compile and DataParallel run the whole model"
    backbone = model.base_model
    if backbone is model or not isinstance(backbone, PreTrainedModel):
        return f"{type(model).__name__} does not separate its backbone from its head"
    new = [name for name, _ in model.named_parameters() if name not in classifier.backbone_parameters]
    inside = [name for name in new if name.startswith(f"{model.base_model_prefix}.")]
    if not isinstance(model, WindowedClassifier):
        # A newly initialized pooler reads the first token, which is kept. Of windows, only the pooled output is kept.
        inside = [name for name in inside if ".pooler." not in name]
    return f"the backbone has newly initialized parameters: {format_examples(inside)}" if inside else None


def _build_feature_cache(model: PreTrainedModel, trainer: NewsTrainer) -> FeatureCacheCallback:
    return FeatureCacheCallback(
        model,
        FrozenWindows(model) if isinstance(model, WindowedClassifier) else FrozenEncoder(model.base_model),
        trainer.numbered_datasets,
        collate=trainer.data_collator,
        boundary_step=trainer.schedule.boundary_step,
    )


def _choose_multiple(arguments: TrainingArguments) -> int:
    # Tensor cores work on tiles of eight. On a CPU the padding costs more than it saves.
    return 8 if arguments.device.type == "cuda" else 1


def _log_padding(trainer: NewsTrainer, lengths: Sequence[int] | None) -> None:
    tokens, multiple = measure_lengths(trainer.train_dataset), _choose_multiple(trainer.args)
    fraction = compute_useful_fraction(
        tokens,
        [*trainer.sampler],
        batch_size=trainer.args.per_device_train_batch_size,
        lengths=lengths or range(multiple, max(tokens) + multiple, multiple),
    )
    logger.info("padding is about %.0f%% of the tokens", 100 * (1 - fraction))


def _take_logits(outputs: Tensor | tuple[Tensor, ...], labels: Tensor) -> Tensor:
    # BART also returns the output of its encoder, and others hidden states if `model.config` asks for them.
    return outputs[0] if isinstance(outputs, tuple) else outputs


def _compute_metrics(prediction: EvalPrediction) -> dict[str, float]:
    probabilities, references = softmax(prediction.predictions, axis=-1), np.asarray(prediction.label_ids)
    scores = compute_scores(probabilities, references, top_k=[])
    refined = compute_refined_log_loss(probabilities, references)
    return {**{name: scores[name] for name in TRAINING_METRICS}, REFINED_LOG_LOSS: refined}
