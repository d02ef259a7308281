"""The recipe's `data` and `split` sections."""

from collections.abc import Mapping
from datetime import datetime, timezone
from itertools import chain
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from hf_newscls.errors import format_examples
from hf_newscls.recipe.files import FOLDER, SOURCE_KEY, CsvSection, DataSource, JsonSection, list_addresses
from hf_newscls.recipe.section import (
    ColumnName,
    FreeColumnName,
    LabelName,
    NullableDict,
    NullableList,
    Section,
    Sha256,
    check_unique,
)

_SPLITS = ("train", "validation", "test")

Fraction = Annotated[float, Field(gt=0, lt=1)]


def _check_date_format(text: str) -> str:
    date = datetime(2018, 2, 19, tzinfo=timezone.utc)
    try:
        has_year = datetime.strptime(date.strftime(text), text).year == date.year
    except ValueError:
        has_year = False
    if not has_year:
        raise ValueError("must be a format of strptime with a year; write it like %Y-%m-%d or %d.%m.%y")
    return text


class NearDuplicatesSection(Section):
    """When two different texts count as duplicates: by the Jaccard similarity of their character n-grams."""

    threshold: float = Field(0.8, gt=0, le=1)
    """Lowest similarity of two duplicates, up to 1."""
    shingle: int = Field(5, ge=1, le=64)
    """Length of an n-gram in characters."""


class DataSection(Section):
    """The news file, and which of its columns and rows are used."""

    source: DataSource
    """The data file, or a list of files: a local path, a pattern such as news/*.csv, kaggle://owner/set/file,
    hf://datasets/owner/name[@revision][/path] or package:module/path. A folder of text files has the columns text, file
    and folder. A mapping names the splits (train, validation, test) and their files; or, with `label: null`, the labels
    and their files. DATA=path overrides it. A recipe that extends another one replaces it as a whole."""
    pool_splits: bool = False
    """What happens to official splits. false: those of a whole dataset of the Hub are kept, and a list of files whose
    names say train and test is refused. true: their rows are pooled and split again."""
    sha256: Sha256 | None = None
    """Expected SHA-256 of the file, in hexadecimal; another file is refused. For several files: the SHA-256 of their
    hexadecimal SHA-256 values, one per line, in the order of the files. In a folder, a space and the name of the file
    follow each value. A recipe or an override that changes source drops an inherited value; DATA=path keeps it."""
    encoding: str | None = None
    """Text encoding. If unset, it is detected: UTF-8, the Windows encodings, GBK, Big5, Shift-JIS, EUC-JP, EUC-KR and
    others; an error lists several that are as likely."""
    encoding_errors: Literal["strict", "replace"] = "strict"
    """Bytes that are not valid in the encoding. strict: they are refused. replace: each is read as U+FFFD, and they are
    counted."""
    csv: CsvSection = CsvSection()
    """How CSV files are written, where they do not show it."""
    json_format: JsonSection = Field(JsonSection(), alias="json")
    """Where the records are in JSON files."""
    sheet: str | None = Field(None, min_length=1)
    """Sheet of an Excel file (.xlsx, .xls, .ods). If unset, the first one."""
    text: list[ColumnName] = Field(min_length=1)
    """Columns that are joined into the text, in this order. source.title is the field `title` inside the field `source`
    of a JSON record."""
    separator: str = ". "
    """Separator of the joined columns; empty columns are skipped."""
    label: ColumnName | None
    """Column with the label; null: the label of a file is its key in `source`, or the folder that it is in."""
    label_choice: Literal["refuse", "first"] = "refuse"
    """What happens to rows with several labels in one cell. first: the first label is taken."""
    missing_values: list[LabelName] | None = None
    """Texts and labels that stand for nothing, such as nan, and are read as empty. If unset, a file with such values is
    refused; []: none."""
    date: FreeColumnName | None = None
    """Column with the date, for the overview and for `split.by: time`."""
    date_format: Annotated[str, AfterValidator(_check_date_format)] | None = None
    """Format of the dates, as in strptime, in quotes: '%d.%m.%Y'. If unset, most formats with a year are read."""
    id: ColumnName | None = None
    """Column with unique row ids. If unset, the id is the number of the row in the file."""
    keep: NullableList[FreeColumnName] = Field([])
    """Additional columns that are kept in the prepared rows."""
    min_characters: int = Field(1, ge=1)
    """Rows with a shorter text are dropped, and counted."""
    min_characters_in: Literal["joined", "each"] = "joined"
    """What min_characters applies to: the joined text, or each text column."""
    max_characters: int = Field(1_000_000, ge=100)
    """Length of the longest value in the file; a file with a longer one is refused. Often two quotes, or line ends, are
    missing there."""
    duplicates: Literal["group", "drop", "keep"] = "group"
    """What happens to duplicate texts. group: they stay in the same split. drop: only the first is kept. keep: they are
    ignored, to reproduce published results."""
    near_duplicates: NearDuplicatesSection | None = NearDuplicatesSection()
    """When two similar texts count as duplicates; null: only if equal."""
    conflicting_labels: Literal["keep", "drop"] = "keep"
    """What happens to equal texts with different labels."""
    missing_label: Literal["error", "drop"] = "error"
    """What happens to rows without a label."""
    merge_labels: NullableDict[LabelName, list[LabelName]] = Field({})
    """Labels to merge: the new label, then the list of labels in the file that become it."""
    labels: list[LabelName] | None = Field(None, min_length=2)
    """All labels after merging, in the order of the model's outputs. If unset, the labels found, sorted. Numbers and
    truth values count as text; yes, no, on and off need quotes."""
    min_count: int = Field(1, ge=1)
    """A label with fewer rows after merging is rare; duplicates are counted too."""
    rare_labels: Annotated[LabelName, Field(min_length=1)] = "drop"
    """drop: rows of rare labels are dropped. Any other text becomes their label."""
    dataset_id: str | None = None
    """Identifier of the published dataset: owner/name."""
    dataset_name: str | None = None
    """Name of the published dataset, for the card."""
    dataset_url: str | None = Field(None, pattern="^https?://\\S+$")
    """Page of the published dataset, for the card."""
    license: str | None = None
    """License of the texts, as a Hub license id, for the cards."""
    language: str | None = Field(None, min_length=1)
    """Language of the texts, for the cards: an ISO 639 code such as en, de or zh. If unset, English, and texts with
    other letters are refused."""

    @property
    def has_splits(self) -> bool:
        """Whether `source` is a mapping of splits."""
        return isinstance(self.source, Mapping) and self.label is not None

    @property
    def card_language(self) -> str:
        """The language that the cards name."""
        return self.language or "en"

    @property
    def label_column(self) -> str:
        """Column of the rows that were read with the label."""
        return self.label or (SOURCE_KEY if isinstance(self.source, Mapping) else FOLDER)

    @property
    def sources(self) -> list[str]:
        """Addresses of the data files."""
        groups = [*self.source.values()] if isinstance(self.source, Mapping) else [self.source]
        return [address for group in groups for address in list_addresses(group)]

    @property
    def source_text(self) -> str:
        """The addresses, joined by commas."""
        return ", ".join(self.sources)

    @property
    def named_labels(self) -> set[str]:
        """All labels that the recipe mentions."""
        return {*(self.labels or []), *self.merge_labels, *chain.from_iterable(self.merge_labels.values())}

    @field_validator("merge_labels")
    @classmethod
    def _check_merges(cls, merges: dict[str, list[str]]) -> dict[str, list[str]]:
        targets: dict[str, str] = {}
        for target, sources in merges.items():
            for source in sources:
                if targets.setdefault(source, target) != target:
                    raise ValueError(f"must merge {source!r} into {targets[source]!r} or {target!r}, not both")
        return merges

    _check_unique = field_validator("labels", "text", "keep")(check_unique)

    @model_validator(mode="after")
    def _check_date_column(self) -> "DataSection":
        if self.date_format is not None and self.date is None:
            raise ValueError(f"date_format is {self.date_format!r}, but date is not set; set it to the column of dates")
        return self

    @model_validator(mode="after")
    def _check_source_keys(self) -> "DataSection":
        if not isinstance(self.source, Mapping):
            return self
        keys = self.source.keys()
        if self.label is None and {"train", "test"} <= keys:
            raise ValueError("source names splits, but label is null; set label to the column with the label")
        if self.label is not None and not {"train", "test"} <= keys <= {*_SPLITS}:
            raise ValueError(
                f"source has the keys {format_examples(keys)}, but label is {self.label!r}: the keys must be train, "
                "test and optionally validation; if they are the labels, write `label: null`"
            )
        return self

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
