"""The recipe's `evaluation` section."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from hf_newscls.recipe.section import FreeColumnName, LabelName, NullableDict, Section

RECIPE_NAME = r"^[A-Za-z0-9][\w.-]{0,99}$"
"""Pattern of a recipe's name, which is also the name of a folder."""


def _check_recipe_name(name: str) -> str:
    if not re.match(RECIPE_NAME, name):
        raise ValueError(
            "must be the name of a recipe; for a run folder use `hf-newscls evaluate --compare-with` instead"
        )
    return name


class EvaluationSection(Section):
    """What is measured on the test set."""

    top_k: list[Annotated[int, Field(ge=1)]] = Field([3])
    """The k of each top-k accuracy."""
    baseline: bool = True
    """Also evaluate simple classifiers: majority class, three TF-IDF models, and the probes."""
    frozen_encoder: bool = True
    """Among the baselines, evaluate a linear classifier on the pre-trained encoder."""
    probes: NullableDict[str, Annotated[list[FreeColumnName], Field(min_length=1)]] = Field({})
    """Probes by name, each with the columns that a simple classifier reads instead of the text, as in `source:
    [authors]`. A high score means that the label can be guessed without reading the text."""
    threshold_metric: Literal["accuracy", "balanced_accuracy", "f1_macro", "f1_weighted", "mcc"] = "f1_macro"
    """With two labels: the validation score that the decision threshold maximizes."""
    bootstrap_resamples: int = Field(1000, ge=100)
    """Number of bootstrap resamples for each 95% interval."""
    compare_with: Annotated[str, AfterValidator(_check_recipe_name)] | None = None
    """Name of another recipe. If its latest run has the same split, the report compares the two models; of more than
    ten labels it shows the ten with the fewest training rows."""
    on: NullableDict[str, str] = Field({})
    """Other data that the trained model is evaluated on as well: a name, and the name or path of the recipe whose test
    set is used."""
    label_maps: dict[str, dict[LabelName, LabelName | None]] = Field({})
    """For models with other labels, in `compare --external-model` and `evaluate --on`: for each model (owner/name, or
    the name of its recipe), its labels and the label of this recipe that each one means, or null if there is none."""
