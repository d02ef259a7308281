"""What a recipe may say of the two stages of a training, beyond `training_arguments`."""

from typing import Literal

from pydantic import Field, model_validator

from hf_newscls.recipe.section import Section
from hf_newscls.recipe.training_arguments import LearningRateShape

__all__ = ["FinetuneSection", "FreezeSection", "LossSection", "SamplingSection"]


class FreezeSection(Section):
    """Stage 1: only what was not pre-trained learns (Kumar et al. 2022, arXiv 2202.10054)."""

    epochs: float | None = Field(
        None, gt=0, description="Length of stage 1; stage 2 then takes training_arguments.num_train_epochs."
    )
    steps: int | None = Field(None, gt=0, description="Length of stage 1 in optimizer steps, in place of epochs.")
    learning_rate: float = Field(gt=0, description="Peak learning rate of stage 1.")
    warmup: float = Field(0.1, ge=0, description="Linear warm-up: a fraction of stage 1 below 1, else steps.")
    lr_scheduler_type: LearningRateShape = Field(
        "linear", description="How the rate of stage 1 goes on after its warm-up."
    )
    cache_features: bool = Field(
        True, description="Run the frozen part once and train the head on what it gave; the losses stay the same."
    )

    @model_validator(mode="after")
    def _one_length(self) -> "FreezeSection":
        if (self.epochs is None) == (self.steps is None):
            raise ValueError(
                f"one of `epochs` and `steps` must be given, got {self.epochs} and {self.steps}; write one of them"
            )
        return self


class FinetuneSection(Section):
    """Stage 2, beyond what `training_arguments` say of it."""

    head_learning_rate: float | None = Field(
        None, gt=0, description="Peak learning rate of the new parameters in stage 2; that of all if unset."
    )
    layerwise_lr_decay: float = Field(
        1.0, gt=0, le=1, description="What each layer further down multiplies its learning rate by."
    )
    early_stopping_patience: int | None = Field(
        None, ge=1, description="End after so many evaluations of stage 2 without a new best; null never does."
    )


# A number, the key and the value that it goes with, and what it is if unset.
_NUMBERS = (
    ("gamma", "name", "focal", 2.0),
    ("tau", "name", "logit_adjustment", 1.0),
    ("beta", "class_weights", "effective_number", 0.999),
)


class LossSection(Section):
    """What training minimises, where some labels have far fewer rows than others."""

    name: Literal["cross_entropy", "focal", "logit_adjustment"] = Field(
        "cross_entropy",
        description="focal: rows that are right already count less (Lin et al. 2017, arXiv 1708.02002). "
        "logit_adjustment: rare labels must win by a margin (Menon et al. 2021, arXiv 2007.07314).",
    )
    class_weights: Literal["balanced", "effective_number"] | None = Field(
        None,
        description="balanced: all labels together weigh the same. effective_number: as many rows of a label count as "
        "are not yet like others (Cui et al. 2019, arXiv 1901.05555).",
    )
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="Fraction of each target that is shared out among all labels."
    )
    gamma: float | None = Field(None, gt=0, description="How much less certain rows count under focal; 2 if unset.")
    tau: float | None = Field(None, gt=0, description="How large the margin of logit_adjustment is; 1 if unset.")
    beta: float | None = Field(
        None, gt=0, lt=1, description="The more, the more rows of a label count under effective_number; 0.999 if unset."
    )

    @property
    def is_plain(self) -> bool:
        """Whether it is the cross-entropy that every model computes by itself."""
        return self.name == "cross_entropy" and self.class_weights is None and self.label_smoothing == 0

    @property
    def numbers(self) -> dict[str, float]:
        """What its loss and its weights go by, of gamma, tau and beta; the usual value where none is set."""
        used = {number: default for number, key, owner, default in _NUMBERS if getattr(self, key) == owner}
        return {
            number: default if getattr(self, number) is None else getattr(self, number)
            for number, default in used.items()
        }

    @model_validator(mode="after")
    def _numbers_go_with_their_loss(self) -> "LossSection":
        for number, key, owner, _ in _NUMBERS:
            if getattr(self, number) is not None and getattr(self, key) != owner:
                raise ValueError(
                    f"`{number}` must go with `{key}: {owner}`, got {getattr(self, number)} with "
                    f"`{key}: {getattr(self, key)}`; remove one of them"
                )
        return self

    @model_validator(mode="after")
    def _one_correction(self) -> "LossSection":
        if self.name == "logit_adjustment" and self.class_weights is not None:
            raise ValueError(
                f"`class_weights` must not go with `name: logit_adjustment`, got {self.class_weights!r}: both make up "
                "for rare labels; remove one of them"
            )
        if self.name == "focal" and self.label_smoothing:
            raise ValueError(
                f"`label_smoothing` must not go with `name: focal`, got {self.label_smoothing}, which is defined for "
                "whole labels; remove one of them"
            )
        return self


class SamplingSection(Section):
    """How often rows are drawn in an epoch, which has as many draws as there are rows."""

    labels: Literal["balanced", "square_root"] = Field(
        description="balanced: each label equally often. square_root: by the square root of its rows (Mahajan et al. "
        "2018, arXiv 1805.00932)."
    )
