"""The two-stage freeze: the head first, then everything."""

import logging
from collections.abc import Iterable
from typing import Any

from torch import nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

__all__ = ["TwoStageFreezeCallback"]

logger = logging.getLogger(__name__)


class TwoStageFreezeCallback(TrainerCallback):
    """Keep the loaded parameters frozen before a step, and train everything from it on.

    What is frozen are exactly the parameters that were loaded; whatever `from_pretrained` initialised anew, a pooler
    without weights included, learns from the first step. Training a new head on frozen features first keeps the
    features from being distorted by the head's first, random gradients: Kumar et al. 2022, arXiv 2202.10054 (LP-FT).
    There the frozen part gives its features without dropout; here dropout stays on in both stages.

    The stage follows from the global step alone, so a run resumed before, at or after the boundary is in the right
    one. Parameters are frozen only once training begins, after the Trainer has built its optimizer over all of them
    and wrapped the model: what is frozen earlier would be left out of both.

    Args:
        loaded_parameters: names of the parameters to freeze.
        boundary_step: the first optimizer step of stage 2; 0 freezes nothing.
    """

    def __init__(self, loaded_parameters: Iterable[str], *, boundary_step: int) -> None:
        self._loaded_parameters = frozenset(loaded_parameters)
        self._boundary_step = boundary_step
        self._is_frozen: bool | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Put the model into the stage of the step that training starts or resumes from."""
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
        is_frozen = step < self._boundary_step
        if is_frozen == self._is_frozen:
            return
        self._set_frozen(model, is_frozen=is_frozen)
        if self._boundary_step > 0:
            trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
            logger.info("step %d: stage %d, %s parameters learn", step, 1 if is_frozen else 2, f"{trained:,}")

    def _set_frozen(self, model: nn.Module, *, is_frozen: bool) -> None:
        for name, parameter in model.named_parameters():
            if name in self._loaded_parameters:
                parameter.requires_grad_(not is_frozen)
        self._is_frozen = is_frozen
