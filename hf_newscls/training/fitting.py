"""Run the Trainer over both stages."""

import logging
import math
import time
from datetime import datetime, timezone
from typing import Any

import numpy as np
from datasets import DatasetDict
from scipy.special import softmax
from torch import nn
from transformers import (
    DataCollatorWithPadding,
    EvalPrediction,
    PrinterCallback,
    ProgressCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from hf_newscls.evaluation.metrics import compute_scores
from hf_newscls.modeling.loading import PretrainedClassifier
from hf_newscls.recipe import FreezeSection
from hf_newscls.training.backend import Backend
from hf_newscls.training.freeze import TwoStageFreezeCallback
from hf_newscls.training.optimizer import build_optimizer, build_scheduler, plan_schedule
from hf_newscls.training_record import TrainingRecord, describe_versions

__all__ = ["build_trainer", "fit_classifier"]

# Tensor cores and vector units work in tiles of eight.
_PAD_TO_MULTIPLE_OF = 8

logger = logging.getLogger(__name__)


def fit_classifier(
    classifier: PretrainedClassifier,
    tokenized: DatasetDict,
    *,
    arguments: TrainingArguments,
    freeze: FreezeSection | None,
    backend: Backend,
) -> TrainingRecord:
    """Train a classifier in place, in two stages where the recipe freezes.

    Args:
        classifier: what `load_pretrained` returned.
        tokenized: what `tokenize_splits` returned; train and validation are used, test is not touched.
        arguments: what `build_training_arguments` returned.
        freeze: stage 1, if there is one.
        backend: the device, for the record.

    Returns:
        The record of the run. Where `load_best_model_at_end` holds the model is the best one by validation.
    """
    trainer = build_trainer(classifier, tokenized, arguments=arguments, freeze=freeze)
    start = time.perf_counter()
    trainer.train()
    state: TrainerState = trainer.state
    return TrainingRecord(
        # An overflow under fp16 logs an infinite gradient norm, which JSON cannot hold.
        log_history=[
            {name: value for name, value in entry.items() if math.isfinite(value)} for entry in state.log_history
        ],
        boundary_step=plan_schedule(freeze, arguments, train_rows=len(tokenized["train"])).boundary_step,
        total_steps=state.global_step,
        best_step=state.best_global_step if arguments.load_best_model_at_end else None,
        runtime_seconds=time.perf_counter() - start,
        train_rows=len(tokenized["train"]),
        batch_rows=arguments.train_batch_size * arguments.world_size * arguments.gradient_accumulation_steps,
        device=backend.name,
        precision="bfloat16" if arguments.bf16 else "float16" if arguments.fp16 else "float32",
        finished=datetime.now(timezone.utc).date().isoformat(),
        versions=describe_versions(),
    )


def build_trainer(
    classifier: PretrainedClassifier,
    tokenized: DatasetDict,
    *,
    arguments: TrainingArguments,
    freeze: FreezeSection | None,
) -> Trainer:
    """Set a stock `Trainer` up with our optimizer, schedule and freeze."""
    model = classifier.model
    # The optimizer must be built over the parameters where they will be trained.
    nn.Module.to(model, arguments.device)
    schedule = plan_schedule(freeze, arguments, train_rows=len(tokenized["train"]))
    tokenizer = classifier.tokenizer
    # Not beyond the positions that the encoder has.
    multiple = _PAD_TO_MULTIPLE_OF if tokenizer.model_max_length % _PAD_TO_MULTIPLE_OF == 0 else None
    optimizer = build_optimizer(model, classifier.loaded_parameters, arguments)
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=tokenized["train"],
        eval_dataset=tokenized["validation"],
        processing_class=classifier.tokenizer,
        data_collator=DataCollatorWithPadding(tokenizer, pad_to_multiple_of=multiple),
        compute_metrics=_compute_metrics,
        callbacks=[
            TwoStageFreezeCallback(classifier.loaded_parameters, boundary_step=schedule.boundary_step),
            _EpochLogCallback(),
        ],
        optimizers=(optimizer, build_scheduler(optimizer, schedule)),
    )
    # Stock heads accept num_items_in_batch and ignore it; told so, the Trainer divides the loss by the number of
    # accumulated batches (transformers#47688).
    trainer.model_accepts_loss_kwargs = False
    trainer.remove_callback(PrinterCallback if arguments.disable_tqdm else ProgressCallback)
    if not arguments.disable_tqdm:
        trainer.add_callback(_ProgressBarCallback())
    return trainer


def _compute_metrics(prediction: EvalPrediction) -> dict[str, float]:
    scores = compute_scores(softmax(prediction.predictions, axis=-1), np.asarray(prediction.label_ids), top_k=[])
    return {name: scores[name] for name in ("accuracy", "f1_macro", "f1_weighted", "log_loss")}


class _ProgressBarCallback(ProgressCallback):
    """The Trainer's progress bar without the dictionaries it writes between."""

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Write nothing: the log history holds the figures."""


class _EpochLogCallback(TrainerCallback):
    """One line of figures after each evaluation."""

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Log the figures of the validation set."""
        metrics = kwargs["metrics"]
        logger.info(
            "epoch %.2f, step %d of %d: validation log loss %.4f, accuracy %.4f, macro F1 %.4f",
            state.epoch,
            state.global_step,
            state.max_steps,
            metrics["eval_log_loss"],
            metrics["eval_accuracy"],
            metrics["eval_f1_macro"],
        )
