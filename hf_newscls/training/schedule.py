"""Both stages in steps, and the learning rate of each step."""

import math
from dataclasses import dataclass, replace

from transformers import TrainingArguments
from transformers.trainer_utils import SchedulerType

from hf_newscls.errors import RecipeError
from hf_newscls.recipe.recipe import FinetuneSection, FreezeSection

__all__ = ["GroupLearningRate", "TwoStageSchedule", "count_steps_per_epoch", "plan_schedule"]


@dataclass(frozen=True)
class GroupLearningRate:
    """Learning rate of one parameter group, as a pure function of the global step.

    A callable object of plain numbers, for `LambdaLR` saves its attributes with the checkpoint.

    Attributes:
        boundary_step: the first step of stage 2.
        total_steps: steps of both stages.
        first_peak: learning rate at the top of stage 1.
        first_warmup_steps: steps of stage 1 in which the rate rises from 0.
        first_shape: how it goes on from there: linear or cosine down to 0, or constant.
        second_peak: learning rate at the top of stage 2.
        second_warmup_steps: steps of stage 2 in which the rate rises from 0.
        second_shape: how it goes on from there.
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
        if step < self.boundary_step:
            return self.first_peak * _scale(
                step, self.boundary_step, warmup=self.first_warmup_steps, shape=self.first_shape
            )
        return self.second_peak * _scale(
            step - self.boundary_step,
            self.total_steps - self.boundary_step,
            warmup=self.second_warmup_steps,
            shape=self.second_shape,
        )


@dataclass(frozen=True)
class TwoStageSchedule:
    """The schedule of a run: one learning rate for what is new, one for what was loaded.

    Attributes:
        head: rate of the newly initialised parameters, in both stages.
        backbone: rate of the topmost loaded parameters: 0 in stage 1.
        layerwise_lr_decay: what each layer further down multiplies that rate by, in (0, 1].
    """

    head: GroupLearningRate
    backbone: GroupLearningRate
    layerwise_lr_decay: float = 1.0

    @property
    def boundary_step(self) -> int:
        """The first step of stage 2; 0 where there is no stage 1."""
        return self.head.boundary_step

    @property
    def total_steps(self) -> int:
        """Steps of both stages."""
        return self.head.total_steps

    @property
    def has_stage_two(self) -> bool:
        """Whether a step is left for the stage in which all parameters learn."""
        return self.boundary_step < self.total_steps

    def at_depth(self, depth: int) -> GroupLearningRate:
        """Return the rate of loaded parameters so many layers below the top.

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
    """Lay both stages out in optimizer steps.

    Args:
        freeze: stage 1, if there is one.
        arguments: of the whole run; rate, warm-up and shape are those of stage 2.
        train_rows: rows of the training set.
        finetune: what stage 2 does beyond the arguments.

    Raises:
        RecipeError: short batches are dropped, and there are too few rows for a whole one.
    """
    finetune = finetune or FinetuneSection()
    batch_rows = arguments.train_batch_size * arguments.world_size
    if arguments.dataloader_drop_last and train_rows < batch_rows:
        raise RecipeError(
            f"`training_arguments.per_device_train_batch_size` must leave a whole batch where short ones are dropped, "
            f"got {train_rows} rows for batches of {batch_rows}; lower it"
        )
    steps_per_epoch = count_steps_per_epoch(arguments, train_rows)
    # Epochs of stage 1 are among those of the arguments, steps of stage 1 come on top.
    total = math.ceil(arguments.num_train_epochs * steps_per_epoch) + ((freeze.steps or 0) if freeze else 0)
    total = arguments.max_steps if arguments.max_steps > 0 else total
    boundary = min(_count_first_steps(freeze, steps_per_epoch), total)

    def plan(first_peak: float, second_peak: float) -> GroupLearningRate:
        """Return the rate of one kind of parameter through both stages."""
        return GroupLearningRate(
            boundary_step=boundary,
            total_steps=total,
            first_peak=first_peak,
            first_warmup_steps=_to_steps(freeze.warmup, of=boundary) if freeze else 0,
            first_shape=freeze.lr_scheduler_type if freeze else "linear",
            second_peak=second_peak,
            second_warmup_steps=_to_steps(arguments.warmup_steps, of=total - boundary),
            second_shape=SchedulerType(arguments.lr_scheduler_type).value,
        )

    return TwoStageSchedule(
        head=plan(freeze.learning_rate if freeze else 0.0, finetune.head_learning_rate or arguments.learning_rate),
        backbone=plan(0.0, arguments.learning_rate),
        layerwise_lr_decay=finetune.layerwise_lr_decay,
    )


def count_steps_per_epoch(arguments: TrainingArguments, train_rows: int) -> int:
    """Count optimizer steps as the Trainer does: the last, shorter accumulation counts as a step."""
    batch_rows: int = arguments.train_batch_size * arguments.world_size
    round_batches = math.floor if arguments.dataloader_drop_last else math.ceil
    batches = int(round_batches(train_rows / batch_rows))
    return max(math.ceil(batches / arguments.gradient_accumulation_steps), 1)


def _count_first_steps(freeze: FreezeSection | None, steps_per_epoch: int) -> int:
    if freeze is None:
        return 0
    return freeze.steps if freeze.steps is not None else math.ceil((freeze.epochs or 0.0) * steps_per_epoch)


def _to_steps(warmup: float, *, of: int) -> int:
    """Read a warm-up as transformers 5 does: below 1 a fraction of the stage, else steps."""
    return math.ceil(warmup * of) if warmup < 1 else int(warmup)


def _scale(step: int, total: int, *, warmup: int, shape: str) -> float:
    if step < warmup:
        return step / max(1, warmup)
    done = (step - warmup) / max(1, total - warmup)
    if shape == "constant":
        return 1.0
    if shape == "cosine":
        return max(0.0, 0.5 * (1.0 + math.cos(math.pi * done)))
    return max(0.0, 1.0 - done)
