"""How the rows are split."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from hf_newscls.recipe.section import FreeColumnName, Section

__all__ = ["SplitSection"]

Fraction = Annotated[float, Field(gt=0, lt=1)]


class SplitSection(Section):
    """Which rows go where: by chance and stratified by label, by time, as a column says, or in folds."""

    by: Literal["random", "time"] = Field("random", description="time: the newest rows to the test set.")
    train: Fraction = 0.8
    validation: Fraction = 0.1
    test: Fraction = 0.1
    seed: int = Field(17, ge=0, description="Chooses which rows go where.")
    predefined: FreeColumnName | None = Field(
        None, description="Column that says train, validation or test; without validation rows some are cut from train."
    )
    folds: int | None = Field(None, ge=3, description="Number of folds, in place of fractions, for small sets.")
    fold: int = Field(0, ge=0, description="The fold that is the test set; the next one is validation.")

    @property
    def has_fractions(self) -> bool:
        """Whether the fractions decide how large the sides are."""
        return self.predefined is None and self.folds is None

    @model_validator(mode="after")
    def _one_way(self) -> "SplitSection":
        ways = {"by: time": self.by == "time", "predefined": self.predefined is not None, "folds": self.folds}
        if sum(map(bool, ways.values())) > 1:
            chosen = ", ".join(f"`{way}`" for way, is_chosen in ways.items() if is_chosen)
            raise ValueError(f"must say one way to split, got {chosen}; remove the others")
        if self.fold >= (self.folds or 1):
            raise ValueError(f"`fold` must lie below `folds`, got {self.fold} and {self.folds}; count from 0")
        return self

    @model_validator(mode="after")
    def _fractions_sum_to_one(self) -> "SplitSection":
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(
                f"`train`, `validation` and `test` must sum to 1, got {self.train} + {self.validation} + {self.test} "
                f"= {total:.6g}; write fractions of the rows"
            )
        return self
