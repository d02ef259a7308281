"""The recipe's `hub` section."""

from typing import Annotated

from pydantic import Field, field_validator

from hf_newscls.recipe.renamed_keys import RENAMED_VALUES
from hf_newscls.recipe.section import Section


class BenchmarkSection(Section):
    """A benchmark dataset on the Hub, and the score that is reported to its leaderboard."""

    dataset_id: str = Field(pattern="^[\\w.-]+/[\\w.-]+$")
    """The benchmark dataset: owner/name."""
    task_id: str = Field("default", min_length=1)
    """Task of the benchmark, as its eval.yaml names it."""
    metric: str = "accuracy"
    """Name of the test score to report."""
    revision: str | None = None
    """Commit of the benchmark dataset that the rows come from."""

    @field_validator("metric")
    @classmethod
    def _check_metric(cls, metric: str) -> str:
        if new := RENAMED_VALUES.get(("hub.benchmark.metric", metric)):
            raise ValueError(f"must be {new!r}")
        return metric


class HubSection(Section):
    """What the model card says, and where the model is pushed."""

    publish: bool = False
    """Publish after every training on the command line; `--publish` does it once."""
    repo_id: str | None = Field(None, pattern="^[\\w.-]+(/[\\w.-]+)?$")
    """Model repository: owner/name, or name for your own account."""
    private: bool = True
    """Create the repository as a private one."""
    calibrate: bool = True
    """Fold the temperature fitted on validation into the last layer when the model is saved, so that its probabilities
    match its accuracy; no answer changes. It is left out if validation does not show that it helps."""
    license: str = "apache-2.0"
    """License of the weights, as a Hub license id."""
    tags: list[str] = Field([])
    """Additional tags of the model."""
    benchmark: BenchmarkSection | None = None
    """Report a test score to the leaderboard of a benchmark dataset (writes .eval_results)."""
    grams_co2_per_kwh: float | None = Field(None, gt=0)
    """Carbon intensity of the electricity; if set, the card reports emissions next to energy."""
    citation: str | None = None
    """BibTeX of the work that the model builds on, for the card."""
    title: str | None = None
    """Title of the card. If unset, the recipe's name."""
    purpose: str = ""
    """What the model is for, in one or two sentences."""
    limitations: list[str] = Field([])
    """What a user must know before trusting a prediction."""
    example: str = "City council delays vote on harbour bridge after storm"
    """Text that the card's code classifies."""
    examples: list[Annotated[str, Field(min_length=1)]] = Field([])
    """Texts to try on the demo page, in your own words: texts of the data may not be yours to publish. If empty,
    `example`."""
    min_confidence: float = Field(0.5, ge=0, le=1)
    """The demo page says "not sure" if no label reaches this probability."""
    explain: bool = False
    """Let the demo page show the effect of each word on an answer; a Space then installs captum."""
