"""What a recipe may say of the two stages of a training, beyond `training_arguments`."""

from pydantic import Field, model_validator

from hf_newscls.recipe_data import Section
from hf_newscls.trainer_options import LearningRateShape

__all__ = ["FinetuneSection", "FreezeSection"]


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
    layer_decay: float = Field(
        1.0, gt=0, le=1, description="What each layer further down multiplies its learning rate by."
    )
    early_stopping_patience: int | None = Field(
        None, ge=1, description="End after so many evaluations of stage 2 without a new best; null never does."
    )
