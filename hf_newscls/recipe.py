"""What a recipe may say, section by section, in the order of the flow."""

from types import NoneType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from hf_newscls.files import is_local_address
from hf_newscls.trainer_options import LearningRateShape, check_training_arguments

__all__ = [
    "AdapterSection",
    "DataSection",
    "EvaluationSection",
    "FinetuneSection",
    "FreezeSection",
    "HubSection",
    "ModelSection",
    "NearDuplicatesSection",
    "Recipe",
    "SplitSection",
]

Fraction = Annotated[float, Field(gt=0, lt=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
ColumnName = Annotated[str, Field(min_length=1)]
Address = Annotated[str, Field(min_length=1)]


def _check_plain(value: Any) -> Any:
    # Not a union of types: each of them would report an error of its own.
    if not isinstance(value, (bool, int, float, str, NoneType)):
        raise ValueError(f"must be a number, a text, true, false or null, got {value!r}")
    return value


def _check_free(name: str | None) -> str | None:
    if name in {"id", "text", "label"}:
        raise ValueError(f"must not name a column that every row has, found {name}; rename it in the file")
    return name


FreeColumnName = Annotated[str, Field(min_length=1), AfterValidator(_check_free)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NearDuplicatesSection(_Section):
    """When two texts count as one article: by the Jaccard similarity of their sets of shingles."""

    threshold: float = Field(0.8, gt=0, le=1, description="Similarity from which two texts are duplicates.")
    shingle: int = Field(5, ge=1, le=64, description="Characters in a shingle.")


class DataSection(_Section):
    """Where the news file is and which of its columns are used."""

    source: Address | Annotated[list[Address], Field(min_length=1)] = Field(
        description="One address or a list of them: a local path, a pattern of paths as news/*.csv, "
        "kaggle://owner/set/file, hf://datasets/owner/name[@revision][/path] or package:module/path; DATA=path "
        "overrides it.",
    )
    sha256: Sha256 | None = Field(
        None,
        description="SHA-256 of the source file; of several files, the SHA-256 over theirs in hexadecimal, one a line. "
        "A source that differs is refused.",
    )
    encoding: str | None = Field(None, description="Text encoding; if unset, UTF-8 (with or without BOM) or latin-1.")
    text: list[ColumnName] = Field(min_length=1, description="Columns joined into the text, in this order.")
    separator: str = Field(". ", description="What stands between joined columns; empty columns are skipped.")
    label: ColumnName = Field(description="Column that holds the label.")
    date: FreeColumnName | None = Field(None, description="Column of dates, for the overview and for `split.by: time`.")
    id: ColumnName | None = Field(None, description="Column of unique row ids; if unset, the row's place in the file.")
    keep: list[ColumnName] = Field(
        [], description="Further columns kept beside text and label.", json_schema_extra={"type": ["array", "null"]}
    )
    min_characters: int = Field(1, ge=1, description="Rows with a shorter text are dropped and counted.")
    min_characters_in: Literal["joined", "each"] = Field(
        "joined", description="What must reach min_characters: the joined text, or each of the text columns."
    )
    duplicates: Literal["group", "drop", "keep"] = Field(
        "group",
        description="Rows that are one article: group keeps them on one side of the split, drop keeps the first, keep "
        "ignores it, for published numbers.",
    )
    near_duplicates: NearDuplicatesSection | None = Field(
        NearDuplicatesSection(), description="When two texts that differ count as one article; null never."
    )
    contradictions: Literal["keep", "drop"] = Field(
        "keep", description="What to do with rows of one text under several labels."
    )
    missing_label: Literal["error", "drop"] = Field("error", description="What to do with rows that have no label.")
    merge_labels: dict[str, list[str]] = Field(
        {},
        description="New label: the file's labels that become it.",
        json_schema_extra={"type": ["object", "null"]},
    )
    labels: list[str] | None = Field(
        None, min_length=2, description="All labels after merging, in the model's order; if unset, those found, sorted."
    )
    dataset_id: str | None = Field(None, description="Identifier of the published set, as in owner/name.")
    dataset_name: str | None = Field(None, description="Name of the published set, for the card.")
    dataset_url: str | None = Field(None, description="Page of the published set, for the card.")
    license: str | None = Field(
        None, description="Licence id of the texts, as the Hub writes it, for the card of prepared data."
    )

    @field_validator("source", mode="before")
    @classmethod
    def _name_files(cls, source: Any) -> Any:
        # Not left to the union of types: each of them would report an error of its own.
        listed = source if isinstance(source, list) else [source]
        if not listed or not all(isinstance(address, str) and address for address in listed):
            raise ValueError(f"must be an address or a list of addresses, got {source!r}")
        return source

    @property
    def sources(self) -> list[str]:
        """Addresses of the data files."""
        return [self.source] if isinstance(self.source, str) else self.source

    @property
    def source_text(self) -> str:
        """The addresses as one text."""
        return ", ".join(self.sources)

    @field_validator("merge_labels", "keep", mode="before")
    @classmethod
    def _null_is_empty(cls, value: Any, info: Any) -> Any:
        # A recipe that extends another takes back an inherited value by writing null.
        return cls.model_fields[info.field_name].default if value is None else value

    @field_validator("merge_labels")
    @classmethod
    def _merge_each_label_once(cls, merges: dict[str, list[str]]) -> dict[str, list[str]]:
        targets: dict[str, str] = {}
        for target, sources in merges.items():
            for source in sources:
                if targets.setdefault(source, target) != target:
                    raise ValueError(f"must merge {source!r} once, found it under {targets[source]!r} and {target!r}")
        return merges

    @field_validator("keep")
    @classmethod
    def _leave_our_columns(cls, names: list[str]) -> list[str]:
        for name in names:
            _check_free(name)
        return names

    @field_validator("labels", "text", "keep")
    @classmethod
    def _no_repeats(cls, names: list[str] | None) -> list[str] | None:
        repeated = sorted({name for name in names or [] if (names or []).count(name) > 1})
        if repeated:
            raise ValueError(f"must name each once, found {', '.join(map(repr, repeated))} more than once")
        return names


class SplitSection(_Section):
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


class ModelSection(_Section):
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
    max_length: int = Field(256, ge=8, description="Tokens per text, special tokens included; the rest is cut off.")
    pad_to: list[Annotated[int, Field(ge=8)]] | None = Field(
        None,
        min_length=1,
        description="Lengths that batches are padded to, ascending up to max_length; if unset, max_length alone on a "
        "TPU, where each length is compiled, and the length of the longest row elsewhere.",
    )
    config: dict[str, Annotated[Any, AfterValidator(_check_plain)]] = Field(
        {}, description="Values of the model's config to change, as in attention_probs_dropout_prob: 0."
    )

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


class AdapterSection(_Section):
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


class FreezeSection(_Section):
    """Stage 1: only what was not pre-trained learns (Kumar et al. 2022, arXiv 2202.10054)."""

    epochs: float | None = Field(
        None, gt=0, description="Length of stage 1; stage 2 then takes training_arguments.num_train_epochs."
    )
    steps: int | None = Field(None, gt=0, description="Length of stage 1 in optimizer steps, in place of epochs.")
    learning_rate: float = Field(gt=0, description="Peak learning rate of stage 1.")
    warmup: float = Field(0.1, ge=0, description="Linear warm-up: a fraction of stage 1 below 1, else steps.")
    lr_scheduler_type: LearningRateShape = Field(
        "linear", description="How the rate of stage 1 goes on after its warm-up."
    )
    cache_features: bool = Field(
        True, description="Run the frozen part once and train the head on what it gave; the losses stay the same."
    )

    @model_validator(mode="after")
    def _one_length(self) -> "FreezeSection":
        if (self.epochs is None) == (self.steps is None):
            raise ValueError(
                f"one of `epochs` and `steps` must be given, got {self.epochs} and {self.steps}; write one of them"
            )
        return self


class FinetuneSection(_Section):
    """Stage 2, beyond what `training_arguments` say of it."""

    head_learning_rate: float | None = Field(
        None, gt=0, description="Peak learning rate of the new parameters in stage 2; that of all if unset."
    )
    layer_decay: float = Field(
        1.0, gt=0, le=1, description="What each layer further down multiplies its learning rate by."
    )
    early_stopping_patience: int | None = Field(
        None, ge=1, description="End after so many evaluations of stage 2 without a new best; null never does."
    )


class EvaluationSection(_Section):
    """What is measured on the test set."""

    top_k: list[Annotated[int, Field(ge=1)]] = Field([3], description="k of each top-k accuracy.")
    baseline: bool = Field(True, description="Measure a majority class and TF-IDF with logistic regression too.")
    bootstrap_resamples: int = Field(1000, ge=100, description="Resamples behind each 95% interval.")


class HubSection(_Section):
    """What the model card says and where the model is pushed."""

    repo_id: str | None = Field(None, pattern=r"^[\w.-]+(/[\w.-]+)?$", description="owner/name, or name for your own.")
    private: bool = True
    license: str = Field("apache-2.0", description="Licence id of the published weights, as the Hub writes it.")
    language: str = "en"
    tags: list[str] = []
    title: str | None = Field(None, description="First heading of the card; the recipe's name if unset.")
    purpose: str = Field("", description="What the model is for, in one or two sentences.")
    limits: list[str] = Field([], description="What a user must know before trusting a score.")
    example: str = Field(
        "City council delays vote on harbour bridge after storm", description="Text that the card's snippet classifies."
    )


class Recipe(_Section):
    """A recipe: everything that decides what is trained, measured and published."""

    name: str = Field(pattern=r"^[A-Za-z0-9][\w.-]*$", description="Names the run folder and the card.")
    data: DataSection
    split: SplitSection = SplitSection()
    model: ModelSection
    adapter: AdapterSection | None = Field(None, description="Train a LoRA adapter in place of the encoder.")
    freeze: FreezeSection | None = Field(None, description="The head-first stage; null trains everything at once.")
    training_arguments: Annotated[dict[str, Any], Field(validate_default=True)] = Field(
        {}, description="transformers.TrainingArguments by their own names; they govern stage 2."
    )
    finetune: FinetuneSection = FinetuneSection()
    evaluation: EvaluationSection = EvaluationSection()
    hub: HubSection = HubSection()

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
        return list(dict.fromkeys([*self.data.text, self.data.label, *self.data.keep, *self.split_columns]))

    @property
    def split_columns(self) -> list[str]:
        """Columns that a split may go by, and that stay beside text and label."""
        return [name for name in (self.data.date, self.split.predefined) if name]

    @model_validator(mode="after")
    def _time_needs_dates(self) -> "Recipe":
        if self.split.by == "time" and self.data.date is None:
            raise ValueError("`split.by: time` must go with `data.date`, got none; name the column of dates")
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
        if self.model.head != "stock":
            raise ValueError(
                f"`adapter.merge: false` must go with `head: stock`, got {self.model.head!r}, which the encoder on the "
                "Hub does not have; merge"
            )
        return self

    @field_validator("training_arguments")
    @classmethod
    def _known_to_the_trainer(cls, arguments: dict[str, Any]) -> dict[str, Any]:
        return check_training_arguments(arguments)
