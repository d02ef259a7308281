"""Parameter groups and the two-stage learning-rate schedule.

Every parameter is in the optimizer from the first step on, in one of four groups: new or loaded, with weight decay or
without. The base learning rate of each group is 1, and a `LambdaLR` multiplies it by the rate itself, which is a pure
function of the global step. So nothing depends on when a parameter was frozen, and a resumed run goes on at the very
rate it would have had.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from transformers import PreTrainedModel, Trainer, TrainingArguments
from transformers.trainer_pt_utils import get_parameter_names
from transformers.trainer_utils import SchedulerType

from hf_newscls.errors import RecipeError
from hf_newscls.recipe import FreezeSection

__all__ = ["GroupLearningRate", "TwoStageSchedule", "build_optimizer", "build_scheduler", "plan_schedule"]

# Biases and the scales of normalisation layers are not decayed, as in the Trainer.
_NO_DECAY = [r"bias", r"layernorm", r"rmsnorm", r"(?:^|\.)norm(?:$|\.)", r"_norm(?:$|\.)"]


@dataclass(frozen=True)
class GroupLearningRate:
    """Learning rate of one parameter group, as a pure function of the global step.

    A callable object of plain numbers, for `LambdaLR` saves its attributes with the checkpoint.

    Attributes:
        boundary_step: the first step of stage 2.
        total_steps: steps of both stages.
        first_peak: learning rate at the top of stage 1.
        first_warmup_steps: steps of stage 1 in which the rate rises from 0; then it falls to 0 linearly.
        second_peak: learning rate at the top of stage 2.
        second_warmup_steps: steps of stage 2 in which the rate rises from 0.
        shape: how it goes on from there: linear or cosine down to 0, or constant.
    """

    boundary_step: int
    total_steps: int
    first_peak: float
    first_warmup_steps: int
    second_peak: float
    second_warmup_steps: int
    shape: str

    def __call__(self, step: int) -> float:
        """Return the learning rate of update `step`, counted from 0."""
        if step < self.boundary_step:
            return self.first_peak * _scale(step, self.boundary_step, warmup=self.first_warmup_steps, shape="linear")
        stage_steps = self.total_steps - self.boundary_step
        return self.second_peak * _scale(
            step - self.boundary_step, stage_steps, warmup=self.second_warmup_steps, shape=self.shape
        )


@dataclass(frozen=True)
class TwoStageSchedule:
    """The schedule of a run: one learning rate for what is new, one for what was loaded.

    Attributes:
        head: rate of the newly initialised parameters, in both stages.
        backbone: rate of the loaded parameters: 0 in stage 1.
    """

    head: GroupLearningRate
    backbone: GroupLearningRate

    @property
    def boundary_step(self) -> int:
        """The first step of stage 2; 0 where there is no stage 1."""
        return self.head.boundary_step

    @property
    def total_steps(self) -> int:
        """Steps of both stages."""
        return self.head.total_steps


def plan_schedule(freeze: FreezeSection | None, arguments: TrainingArguments, *, train_rows: int) -> TwoStageSchedule:
    """Lay both stages out in optimizer steps.

    Args:
        freeze: stage 1, if there is one.
        arguments: of the whole run; rate, warm-up and shape are those of stage 2.
        train_rows: rows of the training set.
    """
    steps_per_epoch = _count_steps_per_epoch(arguments, train_rows)
    total = math.ceil(arguments.num_train_epochs * steps_per_epoch)
    total = arguments.max_steps if arguments.max_steps > 0 else total
    boundary = min(math.ceil(freeze.epochs * steps_per_epoch), total) if freeze else 0

    def plan(first_peak: float) -> GroupLearningRate:
        return GroupLearningRate(
            boundary_step=boundary,
            total_steps=total,
            first_peak=first_peak,
            first_warmup_steps=_to_steps(freeze.warmup, of=boundary) if freeze else 0,
            second_peak=arguments.learning_rate,
            second_warmup_steps=_to_steps(arguments.warmup_steps, of=total - boundary),
            shape=SchedulerType(arguments.lr_scheduler_type).value,
        )

    return TwoStageSchedule(head=plan(freeze.learning_rate if freeze else 0.0), backbone=plan(0.0))


def build_optimizer(
    model: PreTrainedModel, loaded_parameters: Iterable[str], arguments: TrainingArguments
) -> Optimizer:
    """Build the optimizer that `arguments.optim` names, over four parameter groups with base learning rate 1.

    The new parameters come first, for the Trainer logs the rate of the first group.
    """
    loaded = frozenset(loaded_parameters)
    decayed = frozenset(get_parameter_names(model, [nn.LayerNorm], _NO_DECAY))
    groups = [
        {
            "params": [
                parameter
                for name, parameter in model.named_parameters()
                if (name in loaded) == is_loaded and (name in decayed) == is_decayed
            ],
            "weight_decay": arguments.weight_decay if is_decayed else 0.0,
        }
        for is_loaded in (False, True)
        for is_decayed in (True, False)
    ]
    try:
        optimizer_class, options = Trainer.get_optimizer_cls_and_kwargs(arguments, model)
    except (ImportError, ValueError) as error:
        raise RecipeError(
            f"`training_arguments.optim` must be an optimizer that is installed, got {arguments.optim!r} ({error}); "
            "install it or choose adamw_torch"
        ) from error
    if {"params", "optimizer_dict"} & {*options}:
        raise RecipeError(
            f"`training_arguments.optim` must be an optimizer that takes parameter groups, got {arguments.optim!r}; "
            "choose adamw_torch"
        )
    optimizer: Optimizer = optimizer_class(groups, **{**options, "lr": 1.0})
    return optimizer


def build_scheduler(optimizer: Optimizer, schedule: TwoStageSchedule) -> LambdaLR:
    """Put the schedule on an optimizer that `build_optimizer` made."""
    return LambdaLR(optimizer, [schedule.head, schedule.head, schedule.backbone, schedule.backbone])


def _count_steps_per_epoch(arguments: TrainingArguments, train_rows: int) -> int:
    """Count optimizer steps as the Trainer does: the last, shorter accumulation counts as a step."""
    batch_rows: int = arguments.train_batch_size * arguments.world_size
    round_batches = math.floor if arguments.dataloader_drop_last else math.ceil
    batches = int(round_batches(train_rows / batch_rows))
    return max(math.ceil(batches / arguments.gradient_accumulation_steps), 1)


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
