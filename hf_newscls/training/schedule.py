"""Both stages in optimizer steps, and the learning rate of each step."""

import math
from dataclasses import dataclass, replace

from transformers import TrainingArguments
from transformers.trainer_utils import SchedulerType

from hf_newscls.errors import RecipeError
from hf_newscls.recipe.training import FinetuneSection, FreezeSection


@dataclass(frozen=True)
class GroupLearningRate:
    """Learning rate of one parameter group, as a pure function of the global step.

    A callable object of plain numbers, because `LambdaLR` saves its attributes in the checkpoint.

    Attributes:
        boundary_step: first step of stage 2.
        total_steps: steps of both stages.
        first_peak: highest learning rate of stage 1.
        first_warmup_steps: steps at the start of stage 1 in which the rate rises from 0.
        first_shape: the rate after the warm-up: linear or cosine down to 0, or constant.
        second_peak: highest learning rate of stage 2.
        second_warmup_steps: steps at the start of stage 2 in which the rate rises from 0.
        second_shape: the rate after the warm-up of stage 2.
    """

    boundary_step: int
    total_steps: int
    first_peak: float
    first_warmup_steps: int
    first_shape: str
    second_peak: float
    second_warmup_steps: int
    second_shape: str

    def __call__(self, step: int) -> float:
        """Return the learning rate of update `step`, counted from 0."""
        first, second = self.boundary_step, self.total_steps - self.boundary_step
        if step < first:
            return self.first_peak * _scale(step, first, warmup=self.first_warmup_steps, shape=self.first_shape)
        step -= first
        return self.second_peak * _scale(step, second, warmup=self.second_warmup_steps, shape=self.second_shape)


@dataclass(frozen=True)
class TwoStageSchedule:
    """The learning rates of a run.

    Attributes:
        head: rate of the newly initialized parameters, in both stages.
        backbone: rate of the top layer of the pre-trained parameters; 0 in stage 1.
        layerwise_lr_decay: factor of the rate from each layer to the one below, in (0, 1].
    """

    head: GroupLearningRate
    backbone: GroupLearningRate
    layerwise_lr_decay: float = 1.0

    @property
    def boundary_step(self) -> int:
        """First step of stage 2; 0 without stage 1."""
        return self.head.boundary_step

    @property
    def total_steps(self) -> int:
        """Steps of both stages."""
        return self.head.total_steps

    @property
    def has_stage_two(self) -> bool:
        """Whether any step trains all parameters."""
        return self.boundary_step < self.total_steps

    def at_depth(self, depth: int) -> GroupLearningRate:
        """Return the rate of the pre-trained parameters that lie `depth` layers below the top.

        The geometric decay is that of Clark et al. 2020 (ELECTRA, arXiv 2003.10555).
        """
        return replace(self.backbone, second_peak=self.backbone.second_peak * self.layerwise_lr_decay**depth)


def plan_schedule(
    freeze: FreezeSection | None,
    arguments: TrainingArguments,
    *,
    train_rows: int,
    finetune: FinetuneSection | None = None,
) -> TwoStageSchedule:
    """Return both stages in optimizer steps.

    Args:
        freeze: stage 1, if any.
        arguments: of the whole run; learning rate, warm-up and shape are those of stage 2.
        train_rows: number of training rows.
        finetune: additional settings of stage 2.

    Raises:
        RecipeError: short batches are dropped, and the rows do not fill one batch.
    """
    finetune = finetune or FinetuneSection()
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

    def plan(first_peak: float, second_peak: float) -> GroupLearningRate:
        """Return the rate of one kind of parameters."""
        return GroupLearningRate(
            boundary_step=boundary,
            total_steps=total,
            first_peak=first_peak,
            first_warmup_steps=_count_warmup_steps(freeze.warmup, boundary) if freeze else 0,
            first_shape=freeze.lr_scheduler_type if freeze else "linear",
            second_peak=second_peak,
            second_warmup_steps=_count_warmup_steps(arguments.warmup_steps, total - boundary),
            second_shape=SchedulerType(arguments.lr_scheduler_type).value,
        )

    return TwoStageSchedule(
        head=plan(freeze.learning_rate if freeze else 0.0, finetune.head_learning_rate or arguments.learning_rate),
        backbone=plan(0.0, arguments.learning_rate),
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


def _count_warmup_steps(warmup: float, steps: int) -> int:
    """Return the steps of a warm-up; as in transformers 5, a value below 1 is a fraction of the stage."""
    return math.ceil(warmup * steps) if warmup < 1 else int(warmup)


def _scale(step: int, total: int, *, warmup: int, shape: str) -> float:
    if step < warmup:
        return step / max(1, warmup)
    done = (step - warmup) / max(1, total - warmup)
    if shape == "constant":
        return 1.0
    if shape == "cosine":
        return max(0.0, 0.5 * (1.0 + math.cos(math.pi * done)))
    return max(0.0, 1.0 - done)
