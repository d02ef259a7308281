"""The recipe's sections on training: `freeze` (stage 1), `finetune` (stage 2), `loss`, `sampling`, and their search."""

from collections.abc import Collection
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from hf_newscls.recipe.section import Section
from hf_newscls.recipe.training_arguments import LearningRateShape


class FreezeSection(Section):
    """Stage 1: only newly initialized parameters are trained (Kumar et al. 2022, arXiv 2202.10054)."""

    epochs: float | None = Field(None, gt=0)
    """Length of stage 1 in epochs; stage 2 has training_arguments.num_train_epochs of its own."""
    steps: int | None = Field(None, gt=0)
    """Length of stage 1 in optimizer steps, instead of epochs."""
    learning_rate: float = Field(gt=0)
    """Peak learning rate of stage 1."""
    warmup: float = Field(0.1, ge=0)
    """Linear warm-up: below 1 a fraction of stage 1, else a number of optimizer steps."""
    lr_scheduler_type: LearningRateShape = "linear"
    """Shape of the learning rate after the warm-up of stage 1."""
    cache_features: bool = True
    """Compute the frozen encoder's output only once per text; the losses stay the same."""

    @model_validator(mode="after")
    def _check_one_length(self) -> "FreezeSection":
        if (self.epochs is None) == (self.steps is None):
            raise ValueError(f"epochs is {self.epochs} and steps is {self.steps}; set exactly one of them")
        return self


class FinetuneSection(Section):
    """Stage 2, where all parameters are trained; `training_arguments` has the rest of its settings."""

    head_learning_rate: float | None = Field(None, gt=0)
    """Peak learning rate of newly initialized parameters in stage 2. If unset, training_arguments.learning_rate."""
    layerwise_lr_decay: float = Field(1.0, gt=0, le=1)
    """Factor of the learning rate from each layer to the one below it; 1 is no decay."""
    early_stopping_patience: int | None = Field(None, ge=1)
    """Stop after this many evaluations in stage 2 without a new best score; null: never."""


# The parameters of losses and class weights: the key and value that each belongs to, and its default.
_PARAMETERS = {
    "gamma": ("name", "focal", 2.0),
    "tau": ("name", "logit_adjustment", 1.0),
    "beta": ("class_weights", "effective_number", 0.999),
}


class LossSection(Section):
    """The loss, with options for labels that have far fewer rows than others."""

    name: Literal["cross_entropy", "focal", "logit_adjustment"] = "cross_entropy"
    """focal: gives less weight to rows that are already classified well (Lin et al. 2017, arXiv 1708.02002).
    logit_adjustment: rare labels must win by a margin (Menon et al. 2021, arXiv 2007.07314)."""
    class_weights: Literal["balanced", "effective_number"] | None = None
    """balanced: every label has the same total weight. effective_number: weights by the effective number of rows, which
    grows more slowly than the number of rows (Cui et al. 2019, arXiv 1901.05555). null: every row has the same weight.
    """
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    """Fraction of each target that is spread evenly over all labels."""
    gamma: float | None = Field(None, gt=0)
    """focal: a higher value gives less weight to well-classified rows. If unset, 2."""
    tau: float | None = Field(None, gt=0)
    """logit_adjustment: scale of the margin. If unset, 1."""
    beta: float | None = Field(None, gt=0, lt=1)
    """effective_number: closer to 1, weights come closer to those of balanced. If unset, 0.999."""

    @property
    def is_plain(self) -> bool:
        """Whether this is the cross-entropy that every model computes itself."""
        return self.name == "cross_entropy" and self.class_weights is None and self.label_smoothing == 0

    @property
    def numbers(self) -> dict[str, float]:
        """Those of gamma, tau and beta that this loss uses, with their defaults filled in."""
        return {
            name: default if (value := getattr(self, name)) is None else value
            for name, (key, owner, default) in _PARAMETERS.items()
            if getattr(self, key) == owner
        }

    @model_validator(mode="after")
    def _check_combinations(self) -> "LossSection":
        for name, (key, owner, _) in _PARAMETERS.items():
            value, found = getattr(self, name), getattr(self, key)
            if value is not None and found != owner:
                raise ValueError(f"{name} is {value}, but {key} is {found!r}; remove {name}, or write `{key}: {owner}`")
        if self.name == "logit_adjustment" and self.class_weights is not None:
            raise ValueError(
                f"class_weights is {self.class_weights!r}, but name is 'logit_adjustment': both correct for rare "
                "labels; remove one of them"
            )
        if self.name == "focal" and self.label_smoothing:
            raise ValueError(
                f"label_smoothing is {self.label_smoothing}, but name is 'focal', which needs hard labels; remove one "
                "of them"
            )
        return self


class SamplingSection(Section):
    """How often each label is drawn in an epoch; an epoch has as many draws as training rows."""

    labels: Literal["balanced", "square_root"]
    """balanced: every label equally often. square_root: in proportion to the square root of its number of rows (Mahajan
    et al. 2018, arXiv 1805.00932)."""


# The sections that a search can change: they decide how rows are learned, and not which rows.
_TUNED_SECTIONS = ("model", "adapter", "freeze", "training_arguments", "finetune", "loss", "sampling")
# Keys of theirs that decide what the validation score means.
_SCORE_KEYS = ("metric_for_best_model", "greater_is_better", "eval_strategy", "eval_steps", "seed", "data_seed")


def check_tuned_keys(keys: Collection[str]) -> None:
    """Refuse keys that a search must not change.

    Raises:
        ValueError: names the first one, and the fix.
    """
    for key in keys:
        section, _, name = key.partition(".")
        if section not in _TUNED_SECTIONS:
            raise ValueError(
                f"{key} decides the rows or how they are scored, so trials could not be compared; remove it, and tune "
                f"keys of {', '.join(_TUNED_SECTIONS)}"
            )
        if name in _SCORE_KEYS:
            raise ValueError(f"{key} must be the same in all trials, or they could not be compared; remove it")


def _check_number(value: Any) -> Any:
    # Not a union of types: pydantic reports one error for each type of a union, and makes an integer of 1.0.
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        raise ValueError("must be a number")
    return value


OptionalNumber = Annotated[Any, AfterValidator(_check_number), Field(json_schema_extra={"type": ["number", "null"]})]


class SearchSection(Section):
    """What a search tries for one key: the numbers from low to high, or the choices."""

    low: OptionalNumber = None
    """Lowest number. Two integers give integers."""
    high: OptionalNumber = None
    """Highest number."""
    log: bool = False
    """Draw the logarithm evenly, as for learning rates."""
    step: OptionalNumber = None
    """Distance of the numbers, counted from low. If unset, 1 for integers, and any number otherwise."""
    choices: list[Any] | None = Field(None, min_length=2)
    """Values to choose from. A mapping sets several keys of a section; null leaves a section out."""

    @model_validator(mode="after")
    def _check_one_form(self) -> "SearchSection":
        if self.choices is None and (self.low is None or self.high is None):
            raise ValueError(f"low is {self.low} and high is {self.high}; set both, or set choices")
        if self.choices is not None and (self.log or {self.low, self.high, self.step} != {None}):
            raise ValueError(f"choices is {self.choices}, but a range is set too; remove one of them")
        return self

    @model_validator(mode="after")
    def _check_range(self) -> "SearchSection":
        if self.choices is not None:
            return self
        if self.low >= self.high:
            raise ValueError(f"low is {self.low}, but high is {self.high}; low must be the smaller one")
        if self.log and self.low <= 0:
            raise ValueError(f"low is {self.low}, but log is true, which needs numbers above 0; raise low")
        if self.step is not None and (self.log or self.step <= 0):
            raise ValueError(f"step is {self.step}, but must be above 0 and without log; remove it")
        return self
