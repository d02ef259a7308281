"""Parameter groups and the two-stage learning-rate schedule.

Every parameter that ever learns is in the optimizer from the first step on, grouped by head or backbone, by layer where
layers have rates of their own, and by weight decay. The base learning rate of each group is 1, and a `LambdaLR`
multiplies it by the rate itself, which is a pure function of the global step. So nothing depends on when a parameter
was frozen, and a resumed run goes on at the very rate it would have had.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from transformers import PreTrainedModel, Trainer, TrainingArguments
from transformers.trainer_pt_utils import get_parameter_names
from transformers.trainer_utils import SchedulerType

from hf_newscls.errors import RecipeError
from hf_newscls.recipe import FinetuneSection, FreezeSection

__all__ = [
    "GroupLearningRate",
    "TwoStageSchedule",
    "build_optimizer",
    "build_scheduler",
    "build_two_stage_optimizers",
    "count_steps_per_epoch",
    "plan_schedule",
]

# Biases and the scales of normalisation layers are not decayed, as in the Trainer.
_NO_DECAY = [r"bias", r"layernorm", r"rmsnorm", r"(?:^|\.)norm(?:$|\.)", r"_norm(?:$|\.)"]
_LAYER = re.compile(r"\.(\d+)\.")
# Keys of ours in the optimizer's groups, by which `build_scheduler` knows them.
_IS_HEAD, _DEPTH = "is_head", "depth"


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
        layer_decay: what each layer further down multiplies that rate by, in (0, 1].
    """

    head: GroupLearningRate
    backbone: GroupLearningRate
    layer_decay: float = 1.0

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
        return replace(self.backbone, second_peak=self.backbone.second_peak * self.layer_decay**depth)


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
        layer_decay=finetune.layer_decay,
    )


def build_optimizer(
    model: PreTrainedModel, backbone_parameters: Iterable[str], arguments: TrainingArguments, *, by_layer: bool = False
) -> Optimizer:
    """Build the optimizer that `arguments.optim` names, over groups of parameters with base learning rate 1.

    The head's parameters come first, for the Trainer logs the rate of the first group. Parameters that do not require
    a gradient now are left out: nothing will ever train them.

    Args:
        model: on the device where it will be trained.
        backbone_parameters: names of the parameters with the backbone's rate; all others have the head's.
        arguments: of the run.
        by_layer: whether each layer of the backbone has groups of its own, for layer-wise rates.

    Raises:
        RecipeError: there is no such optimizer, or it takes no groups.
    """
    backbone = frozenset(backbone_parameters)
    depths = _measure_depths(backbone) if by_layer else dict.fromkeys(backbone, 0)
    decayed = frozenset(get_parameter_names(model, [nn.LayerNorm], _NO_DECAY))
    members: dict[tuple[bool, int, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            members.setdefault((name in backbone, depths.get(name, 0), name not in decayed), []).append(parameter)
    groups = [
        {
            "params": members[key],
            "weight_decay": 0.0 if is_spared else arguments.weight_decay,
            _IS_HEAD: not is_backbone,
            _DEPTH: depth,
        }
        for key in sorted(members)
        for is_backbone, depth, is_spared in [key]
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
    return LambdaLR(
        optimizer,
        [schedule.head if group[_IS_HEAD] else schedule.at_depth(group[_DEPTH]) for group in optimizer.param_groups],
    )


def build_two_stage_optimizers(
    model: PreTrainedModel,
    backbone_parameters: Iterable[str],
    arguments: TrainingArguments,
    *,
    train_rows: int,
    freeze: FreezeSection | None,
    finetune: FinetuneSection | None = None,
) -> tuple[Optimizer, LambdaLR]:
    """Return what `Trainer(optimizers=...)` takes: an optimizer and the schedule of both stages.

    The model moves to the device of the arguments, for an optimizer must be built over parameters where they are
    trained. The arguments are those of the whole run; their learning rate, warm-up and shape are stage 2's.

    Raises:
        RecipeError: the optimizer that the arguments name cannot be used.
    """
    nn.Module.to(model, arguments.device)
    schedule = plan_schedule(freeze, arguments, train_rows=train_rows, finetune=finetune)
    optimizer = build_optimizer(model, backbone_parameters, arguments, by_layer=schedule.layer_decay != 1.0)
    return optimizer, build_scheduler(optimizer, schedule)


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


def _measure_depths(names: Iterable[str]) -> Mapping[str, int]:
    """Return how many layers each parameter lies below the top: 0 above the layers, most for the embeddings.

    The first number in a name is its layer's, as in `encoder.layer.3.output.dense.weight`.

    >>> depths = _measure_depths(["b.embeddings.w", "b.layer.0.w", "b.layer.1.w", "b.pooler.w"])
    >>> [depths[name] for name in ("b.embeddings.w", "b.layer.0.w", "b.layer.1.w", "b.pooler.w")]
    [3, 2, 1, 0]
    """
    layers = {name: int(match[1]) for name in names if (match := _LAYER.search(name))}
    count = max(layers.values(), default=-1) + 1
    if count == 0:
        raise RecipeError(
            "`finetune.layer_decay` needs an encoder with numbered layers, found none in the names of its parameters; "
            "remove it"
        )
    bottom = {name: count + 1 for name in names if "embed" in name}
    return {name: 0 for name in names} | bottom | {name: count - layer for name, layer in layers.items()}


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
