"""Write the errors of a run as CSV files, for a spreadsheet.

::

    runs/<recipe>/<run>/errors/mistakes.csv           all wrong predictions, the most confident first
                               confused_pairs.csv     labels predicted as another label
                               by_label.csv           scores by label
                               by_length.csv          scores by number of tokens
                               by_year.csv            scores by year, if rows have dates
                               suspicious_labels.csv  test rows whose label may be wrong
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset

from hf_newscls.data.readers.rows import ROW_ID
from hf_newscls.evaluation.error_analysis import Slice
from hf_newscls.evaluation.label_quality import SuspiciousRows
from hf_newscls.report.measured_run import MeasuredRun
from hf_newscls.report.text import flatten_text
from hf_newscls.storage import replace_folder

MISTAKES = ("id", "reference", "prediction", "probability of prediction", "text")
"""Columns of mistakes.csv."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_SUSPICIOUS_COLUMNS = ("id", "label", "suggested", "probability of label", "probability of suggested", "text")
_SLICE_COLUMNS = ("part", "rows", "accuracy", "low", "high", "balanced accuracy", "low", "high")


def write_error_tables(measured: MeasuredRun, folder: Path) -> None:
    """Write the folder atomically; an older one is replaced."""
    errors = measured.errors
    with replace_folder(folder) as fresh:
        mistakes = measured.list_predictions(measured.errors.mistakes)
        write_rows(fresh / "mistakes.csv", MISTAKES, map(mistake_to_row, mistakes))
        pairs = ((pair.reference, pair.prediction, pair.rows, f"{pair.fraction:.4f}") for pair in errors.pairs)
        write_rows(fresh / "confused_pairs.csv", ("reference", "prediction", "rows", "fraction of reference"), pairs)
        labels = ("label", "rows", "precision", "recall", "f1", "f1 low", "f1 high")
        write_rows(fresh / "by_label.csv", labels, _iterate_labels(measured))
        write_rows(fresh / "by_length.csv", _SLICE_COLUMNS, map(_to_row, errors.by_length))
        if errors.by_year:
            write_rows(fresh / "by_year.csv", _SLICE_COLUMNS, map(_to_row, errors.by_year))
        write_suspicious(fresh, measured.test, errors.suspicious, label_names=measured.label_names)


def write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a header and rows as CSV in UTF-8, into a folder that exists; no cell is a formula in a spreadsheet."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows([_disarm(cell) for cell in row] for row in rows)


def _disarm(cell: object) -> object:
    """Put an apostrophe before a text that a spreadsheet would run as a formula.

    >>> _disarm("=HYPERLINK(A1)"), _disarm("5% = 1/20"), _disarm("0.5")
    ("'=HYPERLINK(A1)", '5% = 1/20', '0.5')
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell


def mistake_to_row(mistake: Mapping[str, Any]) -> tuple[object, ...]:
    """Return the values of `MISTAKES` for a row as `MeasuredRun.list_predictions` returns it, with one prediction."""
    ((prediction, probability),) = mistake["predictions"]
    return mistake["id"], mistake["reference"], prediction, f"{probability:.4f}", flatten_text(mistake["text"])


def write_suspicious(folder: Path, dataset: Dataset, suspicious: SuspiciousRows, *, label_names: Sequence[str]) -> None:
    """Write suspicious_labels.csv into a folder that exists, with the columns of `iterate_suspicious`."""
    rows = iterate_suspicious(dataset, suspicious, label_names=label_names)
    write_rows(folder / "suspicious_labels.csv", _SUSPICIOUS_COLUMNS, rows)


def iterate_suspicious(
    dataset: Dataset, suspicious: SuspiciousRows, *, label_names: Sequence[str]
) -> Iterator[tuple[str, ...]]:
    """Yield id, label, suggested label, the probabilities of both, and text on one line; most suspicious first."""
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


def _iterate_labels(measured: MeasuredRun) -> Iterator[Sequence[object]]:
    for name, scores in measured.report.test.per_class.items():
        interval = measured.report.label_intervals[name]
        values = (scores["precision"], scores["recall"], scores["f1"], interval.low, interval.high)
        yield name, scores["support"], *map("{:.4f}".format, values)


def _to_row(part: Slice) -> Sequence[object]:
    values = ((part.scores[name], part.intervals[name].low, part.intervals[name].high) for name in part.scores)
    return part.name, part.rows, *(f"{value:.4f}" for triple in values for value in triple)
