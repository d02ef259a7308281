"""Both stages in optimizer steps, and the learning rate of each step."""

import math
from dataclasses import dataclass

from transformers import TrainingArguments
from transformers.trainer_utils import SchedulerType

from hf_newscls.errors import RecipeError
from hf_newscls.recipe.training import FinetuneSection, FreezeSection


@dataclass(frozen=True)
class Stage:
    """Steps that share one course of the learning rate."""

    steps: int  # optimizer steps
    warmup_steps: int  # steps at the start in which the rate rises from 0
    shape: str  # the rate after the warm-up: linear or cosine down to 0, or constant

    def scale(self, step: int) -> float:
        """Return the rate of a step, counted from 0, as a fraction of the peak."""
        if step < self.warmup_steps:
            return step / self.warmup_steps
        done = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        if self.shape == "constant":
            return 1.0
        if self.shape == "cosine":
            return max(0.0, 0.5 * (1.0 + math.cos(math.pi * done)))
        return max(0.0, 1.0 - done)


@dataclass(frozen=True)
class TwoStageSchedule:
    """The learning rates of a run: pure functions of the global step, which counts from 0."""

    first: Stage  # stage 1; of 0 steps if there is none
    second: Stage  # stage 2; of 0 steps if the training ends in stage 1
    first_peak: float  # highest rate of the newly initialized parameters in stage 1
    head_peak: float  # highest rate of the newly initialized parameters in stage 2
    backbone_peak: float  # highest rate of the top layer of the pre-trained parameters; in stage 1 they have the rate 0
    layerwise_lr_decay: float = 1.0  # factor of the rate from each layer to the one below, in (0, 1]

    @property
    def boundary_step(self) -> int:
        """First step of stage 2; 0 without stage 1."""
        return self.first.steps

    @property
    def total_steps(self) -> int:
        """Steps of both stages."""
        return self.first.steps + self.second.steps

    @property
    def has_stage_two(self) -> bool:
        """Whether the training reaches stage 2."""
        return self.second.steps > 0

    def head(self, step: int) -> float:
        """Return the rate of the newly initialized parameters."""
        if step < self.boundary_step:
            return self.first_peak * self.first.scale(step)
        return self.head_peak * self.second.scale(step - self.boundary_step)

    def backbone(self, step: int, *, depth: int = 0) -> float:
        """Return the rate of the pre-trained parameters that lie `depth` layers below the top.

        The geometric decay is that of Clark et al. 2020 (ELECTRA, arXiv 2003.10555).
        """
        if step < self.boundary_step:
            return 0.0
        return self.backbone_peak * self.layerwise_lr_decay**depth * self.second.scale(step - self.boundary_step)


def plan_schedule(
    freeze: FreezeSection | None,
    arguments: TrainingArguments,
    *,
    train_rows: int,
    finetune: FinetuneSection,
) -> TwoStageSchedule:
    """Return both stages in optimizer steps.

    The arguments are those of the whole run, but their learning rate, warm-up and shape are those of stage 2.

    Raises:
        RecipeError: short batches are dropped, and the rows do not fill one batch.
    """
    batch_rows = arguments.train_batch_size * arguments.world_size
    if arguments.dataloader_drop_last and train_rows < batch_rows:
        raise RecipeError(
            f"{train_rows} training rows do not fill a batch of {batch_rows}, and short batches are dropped; "
            "lower `training_arguments.per_device_train_batch_size`"
        )
    steps_per_epoch = count_steps_per_epoch(arguments, train_rows)
    # The arguments' epochs include those of stage 1, but not its steps.
    total = math.ceil(arguments.num_train_epochs * steps_per_epoch) + ((freeze.steps or 0) if freeze else 0)
    total = arguments.max_steps if arguments.max_steps > 0 else total
    boundary = min(_count_first_steps(freeze, steps_per_epoch), total)
    return TwoStageSchedule(
        first=_plan_stage(
            boundary, warmup=freeze.warmup if freeze else 0, shape=freeze.lr_scheduler_type if freeze else "linear"
        ),
        second=_plan_stage(
            total - boundary,
            warmup=arguments.warmup_steps,
            shape=SchedulerType(arguments.lr_scheduler_type).value,
        ),
        first_peak=freeze.learning_rate if freeze else 0.0,
        head_peak=finetune.head_learning_rate or arguments.learning_rate,
        backbone_peak=arguments.learning_rate,
        layerwise_lr_decay=finetune.layerwise_lr_decay,
    )


def count_steps_per_epoch(arguments: TrainingArguments, train_rows: int) -> int:
    """Return the optimizer steps of an epoch; like the Trainer, count an incomplete accumulation as a step."""
    batch_rows: int = arguments.train_batch_size * arguments.world_size
    batches = train_rows // batch_rows if arguments.dataloader_drop_last else math.ceil(train_rows / batch_rows)
    return max(math.ceil(batches / arguments.gradient_accumulation_steps), 1)


def _count_first_steps(freeze: FreezeSection | None, steps_per_epoch: int) -> int:
    if freeze is None:
        return 0
    return freeze.steps if freeze.steps is not None else math.ceil((freeze.epochs or 0.0) * steps_per_epoch)


def _plan_stage(steps: int, *, warmup: float, shape: str) -> Stage:
    """Return a stage; as in transformers 5, a warm-up below 1 is a fraction of it."""
    return Stage(steps, math.ceil(warmup * steps) if warmup < 1 else int(warmup), shape)
