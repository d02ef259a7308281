"""What a recipe may say, section by section, in the order of the flow."""

from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from hf_newscls.files import is_local_address
from hf_newscls.recipe.data import DataSection, NearDuplicatesSection
from hf_newscls.recipe.evaluation import RECIPE_NAME, EvaluationSection
from hf_newscls.recipe.hub import BenchmarkSection, HubSection
from hf_newscls.recipe.model import AdapterSection, ModelSection, WindowsSection
from hf_newscls.recipe.section import RESERVED_COLUMNS, Section
from hf_newscls.recipe.split import SplitSection
from hf_newscls.recipe.training import FinetuneSection, FreezeSection, LossSection, SamplingSection
from hf_newscls.recipe.training_arguments import check_training_arguments

__all__ = [
    "BenchmarkSection",
    "DataSection",
    "EvaluationSection",
    "FinetuneSection",
    "FreezeSection",
    "HubSection",
    "LossSection",
    "NearDuplicatesSection",
    "Recipe",
    "SamplingSection",
    "SplitSection",
    "WindowsSection",
]


class Recipe(Section):
    """A recipe: everything that decides what is trained, measured and published."""

    name: str = Field(pattern=RECIPE_NAME, description="Names the run folder and the card.")
    data: DataSection
    split: SplitSection = SplitSection()
    model: ModelSection
    adapter: AdapterSection | None = Field(None, description="Train a LoRA adapter in place of the encoder.")
    freeze: FreezeSection | None = Field(None, description="The head-first stage; null trains everything at once.")
    training_arguments: Annotated[dict[str, Any], Field(validate_default=True)] = Field(
        {}, description="transformers.TrainingArguments by their own names; they govern stage 2."
    )
    finetune: FinetuneSection = FinetuneSection()
    speedups: bool = Field(
        True, description="Use the speed-ups of hf_newscls.training.acceleration, which leave results as they are."
    )
    loss: LossSection = LossSection()
    sampling: SamplingSection | None = Field(
        None, description="Draw the rows of rare labels more often; null takes every row once an epoch."
    )
    evaluation: EvaluationSection = EvaluationSection()
    hub: HubSection = HubSection()

    @model_validator(mode="after")
    def _stands_beside_another(self) -> "Recipe":
        if self.evaluation.compare_with == self.name:
            raise ValueError(f"`evaluation.compare_with` must name another recipe, got {self.name!r}; remove it")
        return self

    @property
    def rebalances_classes(self) -> bool:
        """Whether rare labels count for more than their rows, so that probabilities are not those of the rows."""
        return self.loss.name == "logit_adjustment" or bool(self.loss.class_weights or self.sampling)

    @property
    def seed(self) -> int:
        """Seed of the training: `training_arguments.seed`, else that of the split."""
        return int(self.training_arguments.get("seed", self.split.seed))

    @property
    def base_model(self) -> str | None:
        """Hub id of the encoder, or None where the recipe names only a folder."""
        address = self.model.model_name_or_path
        return self.model.base_model or (None if is_local_address(address) else address)

    @property
    def base_revision(self) -> str | None:
        """Revision of `base_model`, or None where the weights come from elsewhere."""
        return None if is_local_address(self.model.model_name_or_path) else self.model.revision

    @property
    def is_adapter_alone(self) -> bool:
        """Whether what is published is an adapter without the weights under it."""
        return self.adapter is not None and not self.adapter.merge

    @property
    def columns(self) -> list[str]:
        """Columns of the file that are read, ids apart."""
        return list(dict.fromkeys([*self.data.text, self.data.label, *self.data.keep, *self.extra_columns]))

    @property
    def extra_columns(self) -> list[str]:
        """Columns that stay beside text and label for the split and for the probes."""
        probed = [name for names in self.probes.values() for name in names]
        return list(dict.fromkeys([*self.split_columns, *probed]))

    @property
    def probes(self) -> dict[str, list[str]]:
        """Columns of each probe: what the recipe names, and the first of several text columns by itself."""
        title = self.data.text[0]
        # A column of that name would take the place of the joined text.
        has_title = len(self.data.text) > 1 and title not in RESERVED_COLUMNS
        return {**({f"{title} alone": [title]} if has_title else {}), **self.evaluation.probes}

    @property
    def split_columns(self) -> list[str]:
        """Columns that a split may go by."""
        return [name for name in (self.data.date, self.split.predefined) if name]

    @model_validator(mode="after")
    def _time_needs_dates(self) -> "Recipe":
        if self.split.by == "time" and self.data.date is None:
            raise ValueError("`split.by: time` must go with `data.date`, got none; name the column of dates")
        return self

    @model_validator(mode="after")
    def _sampling_is_the_one_correction(self) -> "Recipe":
        if self.sampling is None:
            return self
        if self.loss.class_weights is not None or self.loss.name == "logit_adjustment":
            raise ValueError(
                "`sampling` must not go with class weights or logit adjustment, got "
                f"{self.loss.class_weights or self.loss.name!r}: both make up for rare labels; remove one of them"
            )
        if self.training_arguments.get("train_sampling_strategy") == "sequential":
            raise ValueError(
                "`sampling` must go with rows in random order, got `train_sampling_strategy: sequential`; remove one"
            )
        return self

    @model_validator(mode="after")
    def _adapter_alone_needs_its_base(self) -> "Recipe":
        if not self.is_adapter_alone:
            return self
        if self.base_model is None:
            raise ValueError(
                f"`adapter.merge: false` needs the Hub id of the encoder, got {self.model.model_name_or_path!r}; "
                "set `model.base_model`, or merge"
            )
        ours = "windows" if self.model.windows else self.model.head
        if ours != "stock":
            raise ValueError(
                f"`adapter.merge: false` must go with `head: stock` and without windows, got {ours!r}, which the "
                "encoder on the Hub does not have; merge"
            )
        return self

    @field_validator("training_arguments")
    @classmethod
    def _known_to_the_trainer(cls, arguments: dict[str, Any]) -> dict[str, Any]:
        return check_training_arguments(arguments)
