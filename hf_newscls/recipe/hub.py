"""What a recipe may say of the card, and of where the model is pushed."""

from pydantic import Field

from hf_newscls.recipe.section import Section

__all__ = ["BenchmarkSection", "HubSection"]


class BenchmarkSection(Section):
    """A dataset on the Hub that ranks models by itself, and the score it is sent."""

    dataset_id: str = Field(pattern=r"^[\w.-]+/[\w.-]+$", description="owner/name of the benchmark.")
    task_id: str = Field("default", min_length=1, description="Task within the benchmark, as its eval.yaml names it.")
    metric: str = Field("accuracy", description="Which of the test scores it is sent.")
    revision: str | None = Field(None, description="Commit of the benchmark that the rows come from.")


class HubSection(Section):
    """What the model card says and where the model is pushed."""

    publish: bool = Field(False, description="Publish after every training; `--publish` does so once.")
    repo_id: str | None = Field(None, pattern=r"^[\w.-]+(/[\w.-]+)?$", description="owner/name, or name for your own.")
    private: bool = True
    license: str = Field("apache-2.0", description="Licence id of the published weights, as the Hub writes it.")
    language: str = "en"
    tags: list[str] = Field([], description="Further tags of the model.")
    benchmark: BenchmarkSection | None = Field(None, description="Write .eval_results for a benchmark dataset.")
    grams_co2_per_kwh: float | None = Field(
        None, gt=0, description="Of the electricity it was trained with; the card then tells emissions beside energy."
    )
    citation: str | None = Field(None, description="BibTeX of what the model builds on, for the card.")
    title: str | None = Field(None, description="First heading of the card; the recipe's name if unset.")
    purpose: str = Field("", description="What the model is for, in one or two sentences.")
    limitations: list[str] = Field([], description="What a user must know before trusting a score.")
    example: str = Field(
        "City council delays vote on harbour bridge after storm", description="Text that the card's snippet classifies."
    )
