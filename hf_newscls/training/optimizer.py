"""Parameter groups and the two-stage learning-rate schedule.

Every parameter that ever learns is in the optimizer from the first step on, grouped by head or backbone, by layer where
layers have rates of their own, and by weight decay. The base learning rate of each group is 1, and a `LambdaLR`
multiplies it by the rate itself, which is a pure function of the global step. So nothing depends on when a parameter
was frozen, and a resumed run goes on at the very rate it would have had.
"""

import re
from collections.abc import Iterable, Mapping

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from transformers import PreTrainedModel, Trainer, TrainingArguments
from transformers.trainer_pt_utils import get_parameter_names

from hf_newscls.errors import RecipeError
from hf_newscls.recipe.recipe import FinetuneSection, FreezeSection
from hf_newscls.training.schedule import TwoStageSchedule, plan_schedule

__all__ = ["build_optimizer", "build_scheduler", "build_two_stage_optimizers"]

# Biases and the scales of normalisation layers are not decayed, as in the Trainer.
_NO_DECAY = [r"bias", r"layernorm", r"rmsnorm", r"(?:^|\.)norm(?:$|\.)", r"_norm(?:$|\.)"]
_LAYER = re.compile(r"\.(\d+)\.")
# Keys of ours in the optimizer's groups, by which `build_scheduler` knows them.
_IS_HEAD, _DEPTH = "is_head", "depth"


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
    optimizer = build_optimizer(model, backbone_parameters, arguments, by_layer=schedule.layerwise_lr_decay != 1.0)
    return optimizer, build_scheduler(optimizer, schedule)


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
            "`finetune.layerwise_lr_decay` needs an encoder with numbered layers, found none in the names of its "
            "parameters; remove it"
        )
    bottom = {name: count + 1 for name in names if "embed" in name}
    return {name: 0 for name in names} | bottom | {name: count - layer for name, layer in layers.items()}
