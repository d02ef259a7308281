"""Train the head first, then all parameters; for any `Trainer`, as docs/freeze.md shows."""

import functools
import logging
import math
from collections.abc import Iterable, Iterator
from typing import Any

from torch import nn
from transformers import TrainerCallback, TrainerState, TrainingArguments

logger = logging.getLogger(__name__)


class TwoStageFreezeCallback(TrainerCallback):
    """Keep parameters frozen before a step, and train all parameters from that step on.

    Meant for the pre-trained parameters: only the newly initialized ones are trained from the first step. Training a
    new head on frozen features first keeps its random gradients from distorting the features: LP-FT, Kumar et al. 2022,
    arXiv 2202.10054. As there, the frozen modules run without dropout (linear probing).

    The stage depends only on the global step, so a resumed run is in the right stage. Parameters are frozen when
    training begins: the Trainer has then built its optimizer over all of them and wrapped the model. Parameters frozen
    earlier would be missing in both, and DDP ranks would diverge. DDP needs `ddp_find_unused_parameters=True`.

    Args:
        frozen_parameters: names of the parameters to freeze, from the model's `named_parameters`.
        boundary_step: first optimizer step of stage 2; 0 freezes nothing.
        boundary_epoch: the same in epochs, rounded up to a step.

    Raises:
        ValueError: neither boundary is given, or both.
    """

    def __init__(
        self,
        frozen_parameters: Iterable[str],
        *,
        boundary_step: int | None = None,
        boundary_epoch: float | None = None,
    ) -> None:
        if (boundary_step is None) == (boundary_epoch is None):
            raise ValueError(
                f"boundary_step is {boundary_step!r} and boundary_epoch is {boundary_epoch!r}; set exactly one of them"
            )
        self._frozen_parameters = frozenset(frozen_parameters)
        self._boundary_step = boundary_step
        self._boundary_epoch = boundary_epoch
        self._is_frozen: bool | None = None
        self._frozen: list[nn.Parameter] = []
        self._held: list[nn.Module] = []

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: Any, **kwargs: Any) -> None:
        """Enter the stage of the step at which training starts or resumes."""
        if self._boundary_epoch is not None:
            batches = len(kwargs["train_dataloader"])
            steps_per_epoch = max(math.ceil(batches / args.gradient_accumulation_steps), 1)
            self._boundary_step = math.ceil(self._boundary_epoch * steps_per_epoch)
        self._is_frozen = None
        self._enter_stage(state.global_step, kwargs["model"])

    def on_step_begin(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        """Unfreeze at the boundary."""
        self._enter_stage(state.global_step, kwargs["model"])

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Unfreeze, also if training ended in stage 1."""
        self._set_frozen(kwargs["model"], is_frozen=False)

    def _enter_stage(self, step: int, model: nn.Module) -> None:
        boundary = self._boundary_step or 0
        is_frozen = step < boundary
        if is_frozen == self._is_frozen:
            return
        self._set_frozen(model, is_frozen=is_frozen)
        if boundary > 0:
            trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
            logger.info(
                "step %d: stage %d begins and trains %s parameters", step, 1 if is_frozen else 2, f"{trained:,}"
            )

    def _set_frozen(self, model: nn.Module, *, is_frozen: bool) -> None:
        # Only what this callback froze: the weights under an adapter stay frozen.
        for parameter in self._frozen:
            parameter.requires_grad_(True)
        for module in self._held:
            del module.train
        self._frozen, self._held = [], []
        if is_frozen:
            self._freeze(model)
        self._is_frozen = is_frozen

    def _freeze(self, model: nn.Module) -> None:
        self._frozen = [
            parameter
            for name, parameter in model.named_parameters()
            if name in self._frozen_parameters and parameter.requires_grad
        ]
        for parameter in self._frozen:
            parameter.requires_grad_(False)
        self._held = [*find_frozen_modules(model)]
        for module in self._held:
            # The Trainer calls model.train() before each step, which would turn on dropout.
            module.train = functools.partial(_stay_in_eval, module)  # type: ignore[method-assign]


def find_frozen_modules(module: nn.Module) -> Iterator[nn.Module]:
    """Yield the outermost modules that have only frozen parameters."""
    parameters = [*module.parameters()]
    if parameters and not any(parameter.requires_grad for parameter in parameters):
        yield module
        return
    for child in module.children():
        yield from find_frozen_modules(child)


def _stay_in_eval(module: nn.Module, mode: bool = True) -> nn.Module:
    # Module.train() walks all submodules, which takes longer than a step of the head.
    return nn.Module.train(module, False) if module.training else module
