"""A recipe: all its sections, in the order of the flow, and the rules between them."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator, model_validator

from hf_newscls.files import is_local_address
from hf_newscls.recipe.data import DataSection, SplitSection
from hf_newscls.recipe.evaluation import RECIPE_NAME, EvaluationSection
from hf_newscls.recipe.files import SOURCE_KEY
from hf_newscls.recipe.hub import HubSection
from hf_newscls.recipe.model import AdapterSection, ModelSection
from hf_newscls.recipe.section import RESERVED_COLUMNS, NullableDict, Section
from hf_newscls.recipe.training import (
    FinetuneSection,
    FreezeSection,
    LossSection,
    SamplingSection,
    SearchSection,
    check_tuned_keys,
)
from hf_newscls.recipe.training_arguments import check_training_arguments


class Recipe(Section):
    """Everything that decides what is trained, evaluated and published."""

    name: str = Field(pattern=RECIPE_NAME)
    """Name of the recipe, of its run folders and of its card."""
    data: DataSection
    split: SplitSection = SplitSection()
    model: ModelSection
    adapter: AdapterSection | None = None
    """Train a LoRA adapter instead of the encoder's weights; null: train the weights."""
    freeze: FreezeSection | None = None
    """Stage 1, which trains only the head; null: all parameters are trained from the start."""
    training_arguments: Annotated[
        dict[str, Any], AfterValidator(check_training_arguments), Field(validate_default=True)
    ] = Field({})
    """Values of transformers.TrainingArguments, under their own names; they are for stage 2."""
    finetune: FinetuneSection = FinetuneSection()
    speedups: bool = Field(
        True,
        description="Use the speed-ups of hf_newscls.training.acceleration. They change which values dropout drops, as "
        "another seed does; otherwise results differ only by rounding.",
    )
    loss: LossSection = LossSection()
    sampling: SamplingSection | None = None
    """Draw rows of rare labels more often; null: every row once per epoch."""
    tune: NullableDict[str, SearchSection] = Field({})
    """What `hf-newscls tune` tries, by key: {training_arguments.learning_rate: {low: 1e-5, high: 3e-4, log: true}}.
    Empty: the default space. `train` does not read it."""
    evaluation: EvaluationSection = EvaluationSection()
    hub: HubSection = HubSection()

    @property
    def rebalances_classes(self) -> bool:
        """Whether rare labels count more than their rows, so that probabilities do not match label frequencies."""
        return self.loss.name == "logit_adjustment" or bool(self.loss.class_weights or self.sampling)

    @property
    def seed(self) -> int:
        """Seed of the training: `training_arguments.seed`, or else that of the split."""
        return int(self.training_arguments.get("seed", self.split.seed))

    def with_seed(self, seed: int) -> "Recipe":
        """Return the recipe with another seed of the training."""
        return self.model_copy(update={"training_arguments": {**self.training_arguments, "seed": seed}})

    @property
    def use_cpu(self) -> bool:
        """Whether the training ignores accelerators."""
        return bool(self.training_arguments.get("use_cpu"))

    @property
    def base_model(self) -> str | None:
        """Hub id of the encoder; None if the recipe only names a folder."""
        address = self.model.model_name_or_path
        return self.model.base_model or (None if is_local_address(address) else address)

    @property
    def base_revision(self) -> str | None:
        """Revision of `base_model`; None if the weights come from a folder."""
        return None if is_local_address(self.model.model_name_or_path) else self.model.revision

    @property
    def is_adapter_only(self) -> bool:
        """Whether only the adapter is published, without the encoder's weights."""
        return self.adapter is not None and not self.adapter.merge

    @property
    def trackers(self) -> list[str]:
        """The trackers that `training_arguments.report_to` names."""
        named = self.training_arguments.get("report_to") or []
        return [named] if isinstance(named, str) else [*named]

    @property
    def columns(self) -> list[str]:
        """Columns of the file that are read, except for the ids."""
        return list(dict.fromkeys([*self.data.text, self.data.label_column, *self.data.keep, *self.extra_columns]))

    @property
    def extra_columns(self) -> list[str]:
        """Columns that prepared rows keep for the split and for the probes."""
        probed = [name for names in self.probes.values() for name in names]
        return list(dict.fromkeys([*self.split_columns, *probed]))

    @property
    def probes(self) -> dict[str, list[str]]:
        """Columns of each probe: those of the recipe, and the first one of several text columns."""
        title = self.data.text[0]
        # A column with a reserved name would be overwritten in the prepared rows.
        has_title = len(self.data.text) > 1 and title not in RESERVED_COLUMNS
        return {**({f"{title} only": [title]} if has_title else {}), **self.evaluation.probes}

    @property
    def split_strategy(self) -> SplitSection:
        """The split section; if `data.source` names the splits, its keys are the predefined ones."""
        return self.split.model_copy(update={"predefined": SOURCE_KEY}) if self.data.has_splits else self.split

    @property
    def split_columns(self) -> list[str]:
        """Columns that the split can depend on."""
        return [name for name in (self.data.date, self.split_strategy.predefined) if name]

    @field_validator("tune")
    @classmethod
    def _check_tuned_keys(cls, space: dict[str, SearchSection]) -> dict[str, SearchSection]:
        check_tuned_keys(space)
        return space

    @model_validator(mode="after")
    def _check_sections_fit(self) -> "Recipe":
        if self.evaluation.compare_with == self.name:
            raise ValueError(f"evaluation.compare_with is this recipe ({self.name!r}); name another one, or remove it")
        if self.data.has_splits and not (self.split.has_fractions and self.split.by == "random"):
            raise ValueError(
                "data.source names the splits, but split.by, split.predefined or split.folds is set; remove it, or "
                "write a list of files in data.source"
            )
        if self.split.by == "time" and self.data.date is None:
            raise ValueError("split.by is 'time', but data.date is not set; set it to the column with the dates")
        return self

    @model_validator(mode="after")
    def _check_sampling(self) -> "Recipe":
        if self.sampling is None:
            return self
        sampling = f"sampling.labels is {self.sampling.labels!r}"
        for key, value in (("class_weights", self.loss.class_weights), ("name", self.loss.name)):
            if value not in {None, "cross_entropy", "focal"}:
                raise ValueError(
                    f"{sampling} and loss.{key} is {value!r}: both correct for rare labels; remove one of them"
                )
        if self.training_arguments.get("train_sampling_strategy") == "sequential":
            raise ValueError(f"{sampling}, but train_sampling_strategy is 'sequential'; remove one of them")
        return self

    @model_validator(mode="after")
    def _check_adapter(self) -> "Recipe":
        if not self.is_adapter_only:
            return self
        if self.base_model is None:
            raise ValueError(
                "adapter.merge is false, but the encoder has no Hub id, only the path "
                f"{self.model.model_name_or_path!r}; set model.base_model, or write `merge: true`"
            )
        if self.model.windows or self.model.head != "stock":
            ours = "model.windows is set" if self.model.windows else f"model.head is {self.model.head!r}"
            raise ValueError(
                f"adapter.merge is false, but {ours}, which the encoder on the Hub does not have; write `merge: true`"
            )
        return self
