"""The recipe's `split` section."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from hf_newscls.recipe.section import FreeColumnName, Section

Fraction = Annotated[float, Field(gt=0, lt=1)]


class SplitSection(Section):
    """How rows are split: at random and stratified by label, by time, by a column, or into folds."""

    by: Literal["random", "time"] = "random"
    """random: stratified by label. time: the newest rows become the test set."""
    train: Fraction = 0.8
    """Fraction of the rows for training."""
    validation: Fraction = 0.1
    """Fraction of the rows for choosing the checkpoint and calibration."""
    test: Fraction = 0.1
    """Fraction of the rows for the final evaluation."""
    seed: int = Field(17, ge=0)
    """Seed of the split, and of the training unless it sets its own."""
    predefined: FreeColumnName | None = None
    """Column with the values train, validation and test. If no row says validation, a part of the training rows is
    used."""
    folds: int | None = Field(None, ge=3)
    """Number of cross-validation folds, for small files; replaces the fractions."""
    fold: int = Field(0, ge=0)
    """Index of the test fold, counted from 0; the next fold is validation."""

    @property
    def has_fractions(self) -> bool:
        """Whether the fractions decide the sizes of the splits."""
        return self.predefined is None and self.folds is None

    @model_validator(mode="after")
    def _check_one_strategy(self) -> "SplitSection":
        strategies = {"by: time": self.by == "time", "predefined": self.predefined is not None, "folds": self.folds}
        chosen = [name for name, is_set in strategies.items() if is_set]
        if len(chosen) > 1:
            raise ValueError(f"{chosen[0]} cannot be combined with {chosen[1]}; keep only one of {', '.join(chosen)}")
        if self.fold >= (self.folds or 1):
            problem = "folds is not set; set it" if self.folds is None else f"folds is {self.folds}; count from 0"
            raise ValueError(f"fold is {self.fold}, but {problem}")
        return self

    @model_validator(mode="after")
    def _check_sum(self) -> "SplitSection":
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(
                f"train + validation + test is {self.train} + {self.validation} + {self.test} = {total:.6g}, but must "
                "be 1; change one of them"
            )
        return self
