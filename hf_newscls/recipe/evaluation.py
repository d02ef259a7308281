"""What a recipe may say of what is measured."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator

from hf_newscls.recipe.section import FreeColumnName, Section

__all__ = ["RECIPE_NAME", "EvaluationSection"]

RECIPE_NAME = r"^[A-Za-z0-9][\w.-]*$"
"""What the name of a recipe looks like: a folder is called by it."""


def _check_recipe_name(name: str) -> str:
    if not re.match(RECIPE_NAME, name):
        raise ValueError(
            f"must be the name of a recipe, got {name!r}; a run folder goes with `hf-newscls evaluate --compare-with`"
        )
    return name


class EvaluationSection(Section):
    """What is measured on the test set."""

    top_k: list[Annotated[int, Field(ge=1)]] = Field([3], description="k of each top-k accuracy.")
    baseline: bool = Field(True, description="Measure simpler classifiers, and what needs no reading, too.")
    frozen_encoder: bool = Field(
        True, description="Among the baselines, measure the encoder as it was pre-trained under a linear head too."
    )
    probes: dict[str, Annotated[list[FreeColumnName], Field(min_length=1)]] = Field(
        {},
        description="Name of a probe: columns that a simple classifier reads in place of the text, as in "
        "`source: [authors]`; what it scores needs no reading.",
        json_schema_extra={"type": ["object", "null"]},
    )
    threshold_metric: Literal["accuracy", "balanced_accuracy", "f1_macro", "f1_weighted", "mcc"] = Field(
        "f1_macro", description="Of two labels the threshold is chosen, on validation, to be the best by this score."
    )
    bootstrap_resamples: int = Field(1000, ge=100, description="Resamples behind each 95% interval.")
    compare_with: Annotated[str, AfterValidator(_check_recipe_name)] | None = Field(
        None,
        description="Name of another recipe: where its latest run has the same split, the report shows both models "
        "side by side, and of more than ten labels those with the fewest training rows.",
    )
    label_maps: dict[str, dict[str, str | None]] = Field(
        {},
        description="What classifiers of others call the labels, by owner/name: theirs to one of the recipe's, or to "
        "null where it has none; for `compare --external-model`.",
    )

    @field_validator("probes", mode="before")
    @classmethod
    def _null_is_empty(cls, probes: Any) -> Any:
        # A recipe that extends another takes back an inherited value by writing null.
        return {} if probes is None else probes
