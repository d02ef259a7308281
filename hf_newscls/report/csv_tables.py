"""Lists of rows as CSV, for people to look at."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from datasets import Dataset

from hf_newscls.data.readers.rows import ROW_ID
from hf_newscls.evaluation.label_quality import SuspiciousRows
from hf_newscls.report.text import flatten_text

__all__ = ["iterate_suspicious", "write_rows"]


def write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a header and rows as CSV in UTF-8, into a folder that exists."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)


def iterate_suspicious(
    dataset: Dataset, suspicious: SuspiciousRows, *, label_names: Sequence[str]
) -> Iterator[tuple[str, ...]]:
    """Yield id, label, suggested label, the probabilities of both, and text in one line; worst first."""
    rows = dataset.select(suspicious.indices)
    return zip(
        rows[ROW_ID],
        (label_names[label] for label in suspicious.given),
        (label_names[label] for label in suspicious.suggested),
        map("{:.4f}".format, suspicious.given_probability),
        map("{:.4f}".format, suspicious.suggested_probability),
        map(flatten_text, rows["text"]),
        strict=True,
    )
