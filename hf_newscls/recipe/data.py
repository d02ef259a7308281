"""What a recipe may say of its data, and of how rows are split."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from hf_newscls.recipe.section import FreeColumnName, Section, Sha256, check_free_column

__all__ = ["DataSection", "NearDuplicatesSection"]

"""Names of the columns that every prepared row has."""

ColumnName = Annotated[str, Field(min_length=1)]
Address = Annotated[str, Field(min_length=1)]


class NearDuplicatesSection(Section):
    """When two texts count as one article: by the Jaccard similarity of their sets of shingles."""

    threshold: float = Field(0.8, gt=0, le=1, description="Similarity from which two texts are duplicates.")
    shingle: int = Field(5, ge=1, le=64, description="Characters in a shingle.")


class DataSection(Section):
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
    encoding: str | None = Field(
        None, description="Text encoding; if unset, UTF-8 (with or without BOM), cp1252 or latin-1."
    )
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
    conflicting_labels: Literal["keep", "drop"] = Field(
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
    min_count: int = Field(
        1, ge=1, description="Rows that a label must have after merging, duplicates included; fewer make it a rare one."
    )
    rare_labels: str = Field(
        "drop", min_length=1, description="drop leaves rows of rare labels out; any other text is the label they get."
    )
    dataset_id: str | None = Field(None, description="Identifier of the published set, as in owner/name.")
    dataset_name: str | None = Field(None, description="Name of the published set, for the card.")
    dataset_url: str | None = Field(
        None, pattern=r"^https?://\S+$", description="Page of the published set, for the card."
    )
    license: str | None = Field(None, description="Licence id of the texts, as the Hub writes it, for the cards.")

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
            check_free_column(name)
        return names

    @model_validator(mode="after")
    def _rare_labels_are_found(self) -> "DataSection":
        if self.rare_labels != "drop" and self.min_count == 1:
            raise ValueError(f"`rare_labels` must go with `min_count`, got {self.rare_labels!r} alone; say how many")
        if self.labels is not None and self.min_count > 1:
            raise ValueError(
                f"`min_count` must go with `labels: null`, got {self.min_count} with {len(self.labels)} labels: which "
                "are left is seen in the file; remove one of them"
            )
        return self

    @field_validator("labels", "text", "keep")
    @classmethod
    def _no_repeats(cls, names: list[str] | None) -> list[str] | None:
        repeated = sorted({name for name in names or [] if (names or []).count(name) > 1})
        if repeated:
            raise ValueError(f"must name each once, found {', '.join(map(repr, repeated))} more than once")
        return names
