"""What a recipe may say of the loss, and of how often the rows of rare labels are drawn."""

from typing import Literal

from pydantic import Field, model_validator

from hf_newscls.recipe_data import Section

__all__ = ["LossSection", "SamplingSection"]

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
