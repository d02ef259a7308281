"""What a recipe may say, section by section, in the order of the flow."""

from types import NoneType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, field_validator, model_validator

from hf_newscls.files import is_local_address
from hf_newscls.recipe_data import (
    RESERVED_COLUMNS,
    DataSection,
    NearDuplicatesSection,
    Section,
    Sha256,
    SplitSection,
)
from hf_newscls.recipe_evaluation import RECIPE_NAME, EvaluationSection
from hf_newscls.recipe_hub import BenchmarkSection, HubSection
from hf_newscls.recipe_loss import LossSection, SamplingSection
from hf_newscls.recipe_stages import FinetuneSection, FreezeSection
from hf_newscls.recipe_windows import WindowsSection, derive_max_length
from hf_newscls.trainer_options import check_training_arguments

__all__ = [
    "AdapterSection",
    "BenchmarkSection",
    "DataSection",
    "EvaluationSection",
    "FinetuneSection",
    "FreezeSection",
    "HubSection",
    "LossSection",
    "ModelSection",
    "NearDuplicatesSection",
    "Recipe",
    "SamplingSection",
    "SplitSection",
    "WindowsSection",
]


def _check_plain(value: Any) -> Any:
    # Not a union of types: each of them would report an error of its own.
    if not isinstance(value, (bool, int, float, str, NoneType)):
        raise ValueError(f"must be a number, a text, true, false or null, got {value!r}")
    return value


class ModelSection(Section):
    """The pre-trained encoder and the head put on it."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model_name_or_path: str = Field(min_length=1, description="Hub id, local folder or package:module/path.")
    revision: str = Field("main", description="Branch, tag or commit on the Hub.")
    sha256: Sha256 | None = Field(None, description="SHA-256 of model.safetensors, checked for package: models.")
    base_model: str | None = Field(None, description="Hub id for the card where model_name_or_path is not one.")
    head: Literal["stock", "two_layer"] = Field(
        "stock", description="stock: the architecture's own head. two_layer: H-64-L with LayerNorm and Tanh."
    )
    head_dropout: float | None = Field(None, ge=0, lt=1, description="Dropout of the two_layer head; 0.4 if unset.")
    max_length: int = Field(
        256,
        ge=8,
        description="Tokens per text, special tokens included; the rest is cut off. With windows it is their count "
        "times their length, which null stands for.",
        json_schema_extra={"type": ["integer", "null"]},
    )
    windows: WindowsSection | None = Field(
        None, description="Read a text in several windows and pool them, in place of its first tokens alone."
    )
    truncation: Literal["head", "tail", "head_tail"] = Field(
        "head",
        description="What is kept of a text that is longer: its beginning, its end, or a quarter from the beginning "
        "and the rest from the end.",
    )
    pad_to: list[Annotated[int, Field(ge=8)]] | None = Field(
        None,
        min_length=1,
        description="Lengths that batches are padded to, ascending up to max_length; if unset, max_length alone on a "
        "TPU, where each length is compiled, and the length of the longest row elsewhere.",
    )
    config: dict[str, Annotated[Any, AfterValidator(_check_plain)]] = Field(
        {}, description="Values of the model's config to change, as in attention_probs_dropout_prob: 0."
    )

    @model_validator(mode="before")
    @classmethod
    def _windows_say_the_length(cls, values: Any) -> Any:
        return derive_max_length(values)

    @model_validator(mode="after")
    def _windows_hold_every_token(self) -> "ModelSection":
        if self.windows is not None and self.max_length != self.windows.max_length:
            raise ValueError(
                f"`max_length` must be `windows.count` times `windows.length`, {self.windows.max_length}, "
                f"got {self.max_length}; write `max_length: null`"
            )
        return self

    @model_validator(mode="after")
    def _checksum_needs_a_file(self) -> "ModelSection":
        if self.sha256 and not is_local_address(self.model_name_or_path):
            raise ValueError(
                f"`sha256` must go with a local model, got the Hub id {self.model_name_or_path!r}; pin its `revision`"
            )
        return self

    @model_validator(mode="after")
    def _lengths_hold_every_text(self) -> "ModelSection":
        if self.pad_to and (self.pad_to != sorted({*self.pad_to}) or self.pad_to[-1] != self.max_length):
            raise ValueError(
                f"`pad_to` must ascend and end with `max_length`, got {self.pad_to} and {self.max_length}; "
                f"write for example [{self.max_length // 2}, {self.max_length}]"
            )
        return self

    @model_validator(mode="after")
    def _dropout_needs_its_head(self) -> "ModelSection":
        if self.head == "stock" and self.head_dropout is not None:
            raise ValueError(
                f"`head_dropout` must go with `head: two_layer`, got {self.head_dropout} with `head: stock`; "
                "set `config.classifier_dropout` for a stock head"
            )
        return self


class AdapterSection(Section):
    """A low-rank adapter that learns in place of the encoder's weights (LoRA: Hu et al. 2021, arXiv 2106.09685)."""

    rank: int = Field(8, ge=1, description="Width of the adapter's matrices.")
    alpha: int = Field(16, ge=1, description="What the adapter adds is multiplied by alpha / rank.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout before the adapter.")
    target_modules: list[str] | None = Field(
        None, min_length=1, description="Linear layers that get an adapter; those usual for the architecture if unset."
    )
    merge: bool = Field(
        True, description="Whether what is saved and published is a plain model, the adapter added into its weights."
    )


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
    def evens_labels_out(self) -> bool:
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
        return list(dict.fromkeys([*self.data.text, self.data.label, *self.data.keep, *self.further_columns]))

    @property
    def further_columns(self) -> list[str]:
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
