"""The two-stage freeze: the head first, then everything.

Usable in anyone's `Trainer`; docs/freeze.md shows how.
"""

import functools
import logging
import math
from collections.abc import Iterable, Iterator
from typing import Any

from torch import nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

__all__ = ["TwoStageFreezeCallback", "find_frozen_modules"]

logger = logging.getLogger(__name__)


class TwoStageFreezeCallback(TrainerCallback):
    """Keep some parameters frozen before a step, and train them with all others from it on.

    Meant for the parameters that were loaded: whatever `from_pretrained` initialised anew, a pooler without weights
    included, then learns from the first step. Training a new head on frozen features first keeps the features from
    being distorted by the head's first, random gradients: Kumar et al. 2022, arXiv 2202.10054 (LP-FT). As there, the
    frozen part gives its features without dropout (linear probing); dropout of what learns stays on.

    The stage follows from the global step alone, so a run resumed before, at or after the boundary is in the right
    one. Parameters are frozen only once training begins, after the Trainer has built its optimizer over all of them
    and wrapped the model: what is frozen earlier would be left out of both, and under DDP the ranks would drift apart.
    DDP needs `TrainingArguments(ddp_find_unused_parameters=True)`.

    Args:
        frozen_parameters: names of the parameters to freeze, as `named_parameters` of the model gives them; what is
            not named is left as it is.
        boundary_step: the first optimizer step of stage 2; 0 freezes nothing.
        boundary_epoch: the same in epochs, rounded up to a step, for those who do not know the steps beforehand.

    Raises:
        ValueError: neither boundary was given, or both.
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
                "TwoStageFreezeCallback: one of `boundary_step` and `boundary_epoch` must be given, "
                f"got {boundary_step!r} and {boundary_epoch!r}; write one of them"
            )
        self._frozen_parameters = frozenset(frozen_parameters)
        self._boundary_step = boundary_step
        self._boundary_epoch = boundary_epoch
        self._is_frozen: bool | None = None
        self._frozen: list[nn.Parameter] = []
        self._held: list[nn.Module] = []

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Put the model into the stage of the step that training starts or resumes from."""
        if self._boundary_epoch is not None:
            batches = len(kwargs["train_dataloader"])
            steps_per_epoch = max(math.ceil(batches / args.gradient_accumulation_steps), 1)
            self._boundary_step = math.ceil(self._boundary_epoch * steps_per_epoch)
        self._is_frozen = None
        self._enter_stage(state.global_step, kwargs["model"])

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Unfreeze at the boundary."""
        self._enter_stage(state.global_step, kwargs["model"])

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Leave no parameter frozen behind, even where training ended in stage 1."""
        self._set_frozen(kwargs["model"], is_frozen=False)

    def _enter_stage(self, step: int, model: nn.Module) -> None:
        boundary = self._boundary_step or 0
        is_frozen = step < boundary
        if is_frozen == self._is_frozen:
            return
        self._set_frozen(model, is_frozen=is_frozen)
        if boundary > 0:
            trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
            logger.info("step %d: stage %d, %s parameters learn", step, 1 if is_frozen else 2, f"{trained:,}")

    def _set_frozen(self, model: nn.Module, *, is_frozen: bool) -> None:
        # Only what learned before is thawed: the weights under an adapter stay as they are.
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
            # The Trainer calls model.train() before each step, which would turn dropout back on.
            module.train = functools.partial(_stay_in_eval, module)  # type: ignore[method-assign]


def find_frozen_modules(module: nn.Module) -> Iterator[nn.Module]:
    """Yield the outermost modules that have parameters of which none learns."""
    parameters = [*module.parameters()]
    if parameters and not any(parameter.requires_grad for parameter in parameters):
        yield module
        return
    for child in module.children():
        yield from find_frozen_modules(child)


def _stay_in_eval(module: nn.Module, mode: bool = True) -> nn.Module:
    # Once all of a module is in eval mode, walking it in every step would cost more than a step of the head.
    return nn.Module.train(module, False) if module.training else module
