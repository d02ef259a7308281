"""Lists of rows as CSV, for people to look at."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

__all__ = ["flatten_text", "write_rows"]


def write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a header and rows as CSV in UTF-8, into a folder that exists."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)


def flatten_text(text: str) -> str:
    r"""Return a text in one line.

    >>> flatten_text("two\n lines")
    'two lines'
    """
    return " ".join(text.split())
