"""The optimizer with its parameter groups, and the scheduler of their learning rates.

All parameters are in the optimizer from the first step, in groups by head or backbone, depth, and weight decay. Each
group has the base learning rate 1, and a `LambdaLR` multiplies it by the rate, a pure function of the global step. So a
resumed run has the same rates as an uninterrupted one.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import groupby

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from transformers import PreTrainedModel, Trainer, TrainingArguments
from transformers.trainer_pt_utils import get_parameter_names

from hf_newscls.errors import RecipeError
from hf_newscls.recipe.training import FinetuneSection, FreezeSection
from hf_newscls.recipe.training_arguments import LearningRateShape
from hf_newscls.training.schedule import TwoStageSchedule, plan_schedule

# Biases and the scales of normalization layers have no weight decay, as in the Trainer.
_NO_DECAY = [r"bias", r"layernorm", r"rmsnorm", r"(?:^|\.)norm(?:$|\.)", r"_norm(?:$|\.)"]
_LAYER = re.compile(r"\.(\d+)\.")  # the first number in a name, as in `encoder.layer.3.output.dense.weight`
# Our keys in the optimizer's groups; `build_scheduler` reads them.
_IS_HEAD, _DEPTH = "is_head", "depth"


def build_two_stage_optimizers(
    model: PreTrainedModel,
    loaded_parameters: Iterable[str],
    arguments: TrainingArguments,
    *,
    train_rows: int,
    first_epochs: float | None = None,
    first_learning_rate: float = 1e-3,
    first_warmup: float = 0.1,
    first_lr_scheduler_type: LearningRateShape = "linear",
    head_learning_rate: float | None = None,
    layerwise_lr_decay: float = 1.0,
) -> tuple[Optimizer, LambdaLR]:
    """Return optimizer and scheduler of both stages, for `Trainer(optimizers=...)`.

    Moves the model to the device of the arguments, because an optimizer needs the parameters there.

    Args:
        model: the model to train.
        loaded_parameters: names of the pre-trained parameters, from `name_loaded_parameters`.
        arguments: of the whole run: epochs or steps are those of both stages; learning rate, warm-up and shape are
            those of stage 2.
        train_rows: number of training rows.
        first_epochs: epochs of stage 1, which trains only the newly initialized parameters; None or 0: no stage 1.
        first_learning_rate: peak learning rate of stage 1.
        first_warmup: warm-up of stage 1; below 1 a fraction of the stage, else steps.
        first_lr_scheduler_type: shape of the learning rate after the warm-up.
        head_learning_rate: peak learning rate of the newly initialized parameters in stage 2; None: that of the
            arguments.
        layerwise_lr_decay: factor of the learning rate from each layer to the one below.

    Raises:
        RecipeError: the optimizer named in the arguments cannot be used.
        ValueError: a value is out of range.
    """
    freeze = None
    if first_epochs:
        freeze = FreezeSection(
            epochs=first_epochs,
            learning_rate=first_learning_rate,
            warmup=first_warmup,
            lr_scheduler_type=first_lr_scheduler_type,
        )
    finetune = FinetuneSection(head_learning_rate=head_learning_rate, layerwise_lr_decay=layerwise_lr_decay)
    schedule = plan_schedule(freeze, arguments, train_rows=train_rows, finetune=finetune)
    nn.Module.to(model, arguments.device)
    optimizer = build_optimizer(model, loaded_parameters, arguments, by_layer=layerwise_lr_decay != 1.0)
    return optimizer, build_scheduler(optimizer, schedule)


def build_optimizer(
    model: PreTrainedModel, backbone_parameters: Iterable[str], arguments: TrainingArguments, *, by_layer: bool = False
) -> Optimizer:
    """Build the optimizer named by `arguments.optim`, for a model on the device where it will be trained.

    The head's groups come first, because the Trainer logs the rate of the first group. With `by_layer`, each layer of
    the backbone has groups of its own. Parameters that do not require a gradient are left out.

    Raises:
        RecipeError: the optimizer does not exist, or does not accept groups.
    """
    backbone = frozenset(backbone_parameters)
    depths = _measure_depths(backbone) if by_layer else {}
    decayed = frozenset(get_parameter_names(model, [nn.LayerNorm], _NO_DECAY))

    def find_group(named: tuple[str, nn.Parameter]) -> tuple[bool, int, bool]:
        """Return whether a parameter is of the backbone, its depth, and whether it has no weight decay."""
        return named[0] in backbone, depths.get(named[0], 0), named[0] not in decayed

    trained = sorted((one for one in model.named_parameters() if one[1].requires_grad), key=find_group)
    groups = [
        {
            "params": [parameter for _, parameter in members],
            "weight_decay": 0.0 if is_spared else arguments.weight_decay,
            _IS_HEAD: not is_backbone,
            _DEPTH: depth,
        }
        for (is_backbone, depth, is_spared), members in groupby(trained, key=find_group)
    ]
    try:
        optimizer_class, options = Trainer.get_optimizer_cls_and_kwargs(arguments, model)
    except (ImportError, ValueError) as error:
        raise RecipeError(
            f"training_arguments.optim is {arguments.optim!r}, which is not available ({error}); install it, or write "
            "adamw_torch"
        ) from error
    if {"params", "optimizer_dict"} & {*options}:
        raise RecipeError(
            f"training_arguments.optim is {arguments.optim!r}, which accepts no parameter groups; write adamw_torch"
        )
    optimizer: Optimizer = optimizer_class(groups, **{**options, "lr": 1.0})
    return optimizer


def build_scheduler(optimizer: Optimizer, schedule: TwoStageSchedule) -> LambdaLR:
    """Return the scheduler of an optimizer from `build_optimizer`."""
    # Partial functions, because LambdaLR saves and restores the attributes of what it calls; theirs are empty.
    rates: list[Callable[[int], float]] = [
        partial(schedule.head) if group[_IS_HEAD] else partial(schedule.backbone, depth=group[_DEPTH])
        for group in optimizer.param_groups
    ]
    return LambdaLR(optimizer, rates)


def _measure_depths(names: Iterable[str]) -> Mapping[str, int]:
    """Return the depth of each parameter: 0 above the layers, 1 in the top layer, most in the embeddings."""
    layers = {name: int(match[1]) for name in names if (match := _LAYER.search(name))}
    count = max(layers.values(), default=-1) + 1
    if count == 0:
        raise RecipeError(
            "finetune.layerwise_lr_decay needs an encoder with numbered layers, but no parameter name has a number; "
            "remove it"
        )
    bottom = {name: count + 1 for name in names if "embed" in name}
    return {name: 0 for name in names} | bottom | {name: count - layer for name, layer in layers.items()}
