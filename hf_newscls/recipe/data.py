"""The recipe's `data` and `split` sections."""

from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from hf_newscls.errors import format_examples
from hf_newscls.recipe.section import ColumnName, FreeColumnName, NullableDict, NullableList, Section, Sha256

Address = Annotated[str, Field(min_length=1)]
Fraction = Annotated[float, Field(gt=0, lt=1)]


class NearDuplicatesSection(Section):
    """When two different texts count as duplicates: by the Jaccard similarity of their character n-grams."""

    threshold: float = Field(0.8, gt=0, le=1)
    """Lowest similarity of two duplicates, up to 1."""
    shingle: int = Field(5, ge=1, le=64)
    """Length of an n-gram in characters."""


class DataSection(Section):
    """The news file, and which of its columns and rows are used."""

    source: Address | Annotated[list[Address], Field(min_length=1)]
    """The data file, or a list of files: a local path, a pattern such as news/*.csv, kaggle://owner/set/file,
    hf://datasets/owner/name[@revision][/path] or package:module/path. DATA=path overrides it."""
    sha256: Sha256 | None = None
    """Expected SHA-256 of the file, in hexadecimal; another file is refused. For several files: the SHA-256 of their
    hexadecimal SHA-256 values, one per line."""
    encoding: str | None = None
    """Text encoding. If unset, it is detected: UTF-8, the Windows encodings, GBK, Big5, Shift-JIS, EUC-JP, EUC-KR and
    others; an error lists several that are as likely."""
    encoding_errors: Literal["strict", "replace"] = "strict"
    """Bytes that are not valid in the encoding. strict: they are refused. replace: each is read as U+FFFD, and they are
    counted."""
    text: list[ColumnName] = Field(min_length=1)
    """Columns that are joined into the text, in this order."""
    separator: str = ". "
    """Separator of the joined columns; empty columns are skipped."""
    label: ColumnName
    """Column with the label."""
    date: FreeColumnName | None = None
    """Column with the date, for the overview and for `split.by: time`."""
    id: ColumnName | None = None
    """Column with unique row ids. If unset, the id is the number of the row in the file."""
    keep: NullableList[FreeColumnName] = Field([])
    """Additional columns that are kept in the prepared rows."""
    min_characters: int = Field(1, ge=1)
    """Rows with a shorter text are dropped, and counted."""
    min_characters_in: Literal["joined", "each"] = "joined"
    """What min_characters applies to: the joined text, or each text column."""
    duplicates: Literal["group", "drop", "keep"] = "group"
    """What happens to duplicate texts. group: they stay in the same split. drop: only the first is kept. keep: they are
    ignored, to reproduce published results."""
    near_duplicates: NearDuplicatesSection | None = NearDuplicatesSection()
    """When two similar texts count as duplicates; null: only if equal."""
    conflicting_labels: Literal["keep", "drop"] = "keep"
    """What happens to equal texts with different labels."""
    missing_label: Literal["error", "drop"] = "error"
    """What happens to rows without a label."""
    merge_labels: NullableDict[list[str]] = Field({})
    """Labels to merge: the new label, then the list of labels in the file that become it."""
    labels: list[str] | None = Field(None, min_length=2)
    """All labels after merging, in the order of the model's outputs. If unset, the labels found, sorted."""
    min_count: int = Field(1, ge=1)
    """A label with fewer rows after merging is rare; duplicates are counted too."""
    rare_labels: str = Field("drop", min_length=1)
    """drop: rows of rare labels are dropped. Any other text becomes their label."""
    dataset_id: str | None = None
    """Identifier of the published dataset: owner/name."""
    dataset_name: str | None = None
    """Name of the published dataset, for the card."""
    dataset_url: str | None = Field(None, pattern="^https?://\\S+$")
    """Page of the published dataset, for the card."""
    license: str | None = None
    """License of the texts, as a Hub license id, for the cards."""

    @field_validator("source", mode="before")
    @classmethod
    def _check_source(cls, source: Any) -> Any:
        # Checked here because pydantic reports one error for each type of a union.
        addresses = source if isinstance(source, list) else [source]
        if not addresses or not all(isinstance(address, str) and address for address in addresses):
            raise ValueError("must be an address or a list of addresses")
        return source

    @property
    def sources(self) -> list[str]:
        """Addresses of the data files."""
        return [self.source] if isinstance(self.source, str) else self.source

    @property
    def source_text(self) -> str:
        """The addresses, joined by commas."""
        return ", ".join(self.sources)

    @field_validator("merge_labels")
    @classmethod
    def _check_merges(cls, merges: dict[str, list[str]]) -> dict[str, list[str]]:
        targets: dict[str, str] = {}
        for target, sources in merges.items():
            for source in sources:
                if targets.setdefault(source, target) != target:
                    raise ValueError(f"must merge {source!r} into {targets[source]!r} or {target!r}, not both")
        return merges

    @field_validator("labels", "text", "keep")
    @classmethod
    def _check_unique(cls, names: list[str] | None) -> list[str] | None:
        if repeated := sorted(name for name, count in Counter(names or []).items() if count > 1):
            raise ValueError(f"must not repeat {format_examples(repeated)}")
        return names

    @model_validator(mode="after")
    def _check_rare_labels(self) -> "DataSection":
        if self.rare_labels != "drop" and self.min_count == 1:
            raise ValueError(f"rare_labels is {self.rare_labels!r}, but min_count is 1; set min_count")
        if self.labels is not None and self.min_count > 1:
            raise ValueError(
                f"min_count is {self.min_count}, but labels lists {len(self.labels)} labels: min_count decides which "
                "labels remain; remove one of the two keys"
            )
        return self


class SplitSection(Section):
    """How rows are split: at random and stratified by label, by time, by a column, or into folds."""

    by: Literal["random", "time"] = "random"
    """random: stratified by label. time: the newest rows become the test set."""
    train: Fraction = 0.8
    """Fraction of the rows for training."""
    validation: Fraction = 0.1
    """Fraction of the rows for choosing the checkpoint and calibration."""
    test: Fraction = 0.1
    """Fraction of the rows for the final evaluation."""
    seed: int = Field(17, ge=0)
    """Seed of the split, and of the training unless it sets its own."""
    predefined: FreeColumnName | None = None
    """Column with the values train, validation and test. If no row says validation, a part of the training rows is
    used."""
    folds: int | None = Field(None, ge=3)
    """Number of cross-validation folds, for small files; replaces the fractions."""
    fold: int = Field(0, ge=0)
    """Index of the test fold, counted from 0; the next fold is validation."""

    @property
    def has_fractions(self) -> bool:
        """Whether the fractions decide the sizes of the splits."""
        return self.predefined is None and self.folds is None

    @model_validator(mode="after")
    def _check_one_strategy(self) -> "SplitSection":
        strategies = {"by: time": self.by == "time", "predefined": self.predefined is not None, "folds": self.folds}
        chosen = [name for name, is_set in strategies.items() if is_set]
        if len(chosen) > 1:
            raise ValueError(f"{chosen[0]} cannot be combined with {chosen[1]}; keep only one of {', '.join(chosen)}")
        if self.fold >= (self.folds or 1):
            problem = "folds is not set; set it" if self.folds is None else f"folds is {self.folds}; count from 0"
            raise ValueError(f"fold is {self.fold}, but {problem}")
        return self

    @model_validator(mode="after")
    def _check_sum(self) -> "SplitSection":
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(
                f"train + validation + test is {self.train} + {self.validation} + {self.test} = {total:.6g}, but must "
                "be 1; change one of them"
            )
        return self
