"""How a data file was read: what was found in it or assumed of it."""

from collections.abc import Mapping
from dataclasses import dataclass


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
        name: of the file, without its folder.
        kind: CSV, JSON, Parquet or dataset of the Hub.
        encoding: of a text file.
        csv: of a CSV file.
        rows: number of rows.
        skipped_lines: number of lines that are not rows and were left out.
        first_row: the columns that were read, with their texts in the first row, each in one line and shortened.
    """

    name: str
    kind: str
    rows: int
    first_row: Mapping[str, str]
    encoding: str | None = None
    csv: CsvDialect | None = None
    skipped_lines: int = 0

    def describe(self) -> dict[str, str]:
        """Return three lines for a person, each with its heading.

        >>> dialect = CsvDialect(separator="|", quoting="minimal", has_header=True)
        >>> found = FileFormat("news.csv", "CSV", 2, {"title": "Team wins", "label": "sport"}, "utf-8", dialect)
        >>> for heading, line in found.describe().items():
        ...     print(f"{heading}: {line}")
        file: news.csv, CSV, utf-8, separated by '|', with header, quoting minimal
        rows: 2 read, 0 lines skipped; columns title, label
        first row: title 'Team wins', label 'sport'
        """
        parts = [self.name, self.kind, *([self.encoding] if self.encoding else [])]
        if self.csv:
            header = "with header" if self.csv.has_header else "without header"
            parts += [f"separated by {self.csv.separator!r}", header, f"quoting {self.csv.quoting}"]
        skipped = f", {self.skipped_lines:,} lines skipped" if self.csv else ""
        return {
            "file": ", ".join(parts),
            "rows": f"{self.rows:,} read{skipped}; columns {', '.join(self.first_row)}",
            "first row": ", ".join(f"{name} {value!r}" for name, value in self.first_row.items()),
        }
