"""How data files are read: what a recipe says about them, and what was found in each or assumed of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hf_newscls.data.readers.encoding.text_file import MAX_CHARACTERS, EncodingErrors
from hf_newscls.recipe.files import CsvSection


@dataclass(frozen=True)
class ReadOptions:
    """What files may not say themselves."""

    encoding: str | None = None  # of text files; if None, `detect_encoding` finds it
    encoding_errors: EncodingErrors = "strict"  # whether bytes that are not valid in it are refused or replaced
    csv: CsvSection = field(default_factory=CsvSection)  # how CSV files are written
    json_records: str | None = None  # key of the array with the records, in JSON files that wrap it in an object
    sheet: str | None = None  # of Excel files; if None, the first one
    max_characters: int = MAX_CHARACTERS  # of a value
    list_column: str | None = None  # of JSON and Parquet, whose lists become JSON; in other columns they are refused


@dataclass(frozen=True)
class CsvDialect:
    """How a CSV file is written: `quoting` is minimal or none."""

    separator: str
    quoting: str
    has_header: bool


@dataclass(frozen=True)
class FileFormat:
    """How a data file was read.

    Attributes:
        name: of the file or folder, without the folders above it; address of a dataset of the Hub.
        kind: CSV, JSON, Excel, Parquet, folder of text files, or dataset of the Hub.
        rows: number of rows.
        first_row: the columns that were read, with their texts in the first row, each in one line and shortened.
        encoding: of a text file.
        csv: how a CSV file is written.
        skipped_lines: number of lines that are not rows and were left out.
        records: key of the array with the records, in a JSON file.
        sheet: of an Excel file.
    """

    name: str
    kind: str
    rows: int = 0
    first_row: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    csv: CsvDialect | None = None
    skipped_lines: int = 0
    records: str | None = None
    sheet: str | None = None

    def describe(self) -> dict[str, str]:
        """Return three lines for a person, each with its heading.

        >>> first_row = {"title": "Team wins", "label": "sport"}
        >>> dialect = CsvDialect(separator="|", quoting="minimal", has_header=True)
        >>> found = FileFormat("news.csv", "CSV", rows=2, first_row=first_row, encoding="utf-8", csv=dialect)
        >>> for heading, line in found.describe().items():
        ...     print(f"{heading}: {line}")
        file: news.csv, CSV, utf-8, separated by '|', with header, quoting minimal
        rows: 2 read, 0 lines skipped; columns title, label
        first row: title 'Team wins', label 'sport'
        """
        parts = [self.name, self.kind]
        parts += [f"records in {self.records!r}"] if self.records else []
        parts += [f"sheet {self.sheet!r}"] if self.sheet else []
        parts += [self.encoding] if self.encoding else []
        if self.csv:
            header = "with header" if self.csv.has_header else "without header"
            parts += [f"separated by {self.csv.separator!r}", header, f"quoting {self.csv.quoting}"]
        skipped = f", {self.skipped_lines:,} lines skipped" if self.csv else ""
        return {
            "file": ", ".join(parts),
            "rows": f"{self.rows:,} read{skipped}; columns {', '.join(self.first_row)}",
            "first row": ", ".join(f"{name} {value!r}" for name, value in self.first_row.items()),
        }
