"""Write where a run failed as CSV, for a table program.

::

    runs/<recipe>/<run>/errors/mistakes.csv           every row the model was wrong on, the surest mistake first
                               confused_pairs.csv     labels that were taken for another
                               by_label.csv           scores of each label
                               by_length.csv          scores by tokens
                               by_year.csv            scores by year, where rows have dates
                               suspicious_labels.csv  test rows whose label is doubted rather than the model
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from hf_newscls.evaluation.error_analysis import Slice
from hf_newscls.report.csv_tables import iterate_suspicious, write_rows
from hf_newscls.report.measured_run import MeasuredRun
from hf_newscls.report.text import flatten_text
from hf_newscls.storage import replace_folder

__all__ = ["write_error_lists"]

_SLICE_COLUMNS = ("part", "rows", "accuracy", "low", "high", "balanced accuracy", "low", "high")


def write_error_lists(measured: MeasuredRun, folder: Path) -> None:
    """Write the folder, whole or not at all; what was there is replaced."""
    errors = measured.errors
    with replace_folder(folder) as fresh:
        write_rows(
            fresh / "mistakes.csv",
            ("id", "reference", "prediction", "probability of prediction", "text"),
            _iterate_mistakes(measured),
        )
        pairs = ((pair.reference, pair.prediction, pair.rows, f"{pair.fraction:.4f}") for pair in errors.pairs)
        write_rows(fresh / "confused_pairs.csv", ("reference", "prediction", "rows", "share of reference"), pairs)
        write_rows(
            fresh / "by_label.csv",
            ("label", "rows", "precision", "recall", "f1", "f1 low", "f1 high"),
            _iterate_labels(measured),
        )
        write_rows(fresh / "by_length.csv", _SLICE_COLUMNS, map(_list_slice, errors.by_length))
        if errors.by_year:
            write_rows(fresh / "by_year.csv", _SLICE_COLUMNS, map(_list_slice, errors.by_year))
        write_rows(
            fresh / "suspicious_labels.csv",
            ("id", "label", "suggested", "probability of label", "probability of suggested", "text"),
            iterate_suspicious(measured.test, errors.suspicious, label_names=measured.label_names),
        )


def _iterate_mistakes(measured: MeasuredRun) -> Iterator[tuple[str, ...]]:
    for row in measured.describe_rows(measured.errors.mistakes):
        ((prediction, probability),) = row["answers"]
        yield row["id"], row["reference"], prediction, f"{probability:.4f}", flatten_text(row["text"])


def _iterate_labels(measured: MeasuredRun) -> Iterator[Sequence[object]]:
    for name, scores in measured.report.test.per_class.items():
        interval = measured.report.label_intervals[name]
        values = (scores["precision"], scores["recall"], scores["f1"], interval.low, interval.high)
        yield name, scores["support"], *map("{:.4f}".format, values)


def _list_slice(part: Slice) -> Sequence[object]:
    values = ((part.scores[name], part.intervals[name].low, part.intervals[name].high) for name in part.scores)
    return part.name, part.rows, *(f"{value:.4f}" for triple in values for value in triple)
