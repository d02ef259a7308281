"""Answers in the form of a sample submission, as Kaggle takes them: its columns, rows, order and spelling of labels."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from hf_newscls.data.readers.format import ReadOptions
from hf_newscls.data.readers.open_file import open_file
from hf_newscls.errors import DataError, SourceError, format_examples
from hf_newscls.inference.answers import PROBABILITY, AnswerForm

# Spellings of a label, the first that gives all labels of the sample is used.
_SPELLINGS: Sequence[Callable[[str], str]] = (
    str,
    str.lower,
    str.upper,
    str.capitalize,
    str.title,
    lambda label: label.removesuffix(".0"),
    lambda label: f"{label}.0" if label.lstrip("-").isdigit() else label,
)


@dataclass(frozen=True)
class Submission:
    """A sample submission, matched with the labels of a model."""

    path: Path
    columns: Sequence[str]  # the id, then the label, or one for each label
    ids: pa.ChunkedArray  # of the rows, in their order
    spelling: dict[str, str]  # of each label of the model, as a value or as the name of a column

    @property
    def id_column(self) -> str:
        """Column of the ids, in the sample and in the input."""
        return self.columns[0]

    @property
    def form(self) -> AnswerForm:
        """Which answers the submission needs: a text without a word gets one too, because no row may be empty."""
        return AnswerForm(probabilities=len(self.columns) > 2, answers_empty_texts=True)


def read_submission(path: Path, label_names: Sequence[str]) -> Submission:
    """Read a sample submission: a CSV file of ids and labels, or of ids and the probability of each label.

    Raises:
        SourceError: there is no such file, or it is not text.
        DataError: it has one column, an id twice, or other labels than the model.
    """
    columns = _read_header(path)
    if len(columns) < 2:
        raise DataError(
            f"{path}: one column {columns[0]!r}, but a sample submission has an id and a label; check the file"
        )
    table = pa.concat_tables(block.table for block in open_file(path, columns[:2], ReadOptions()).blocks)
    ids = table.column(columns[0])
    refuse_repeated_ids(ids, path, columns[0])
    if len(columns) > 2:
        wanted, kind = columns[1:], "columns"
    else:
        wanted, kind = pc.unique(table.column(columns[1]).drop_null()).to_pylist(), f"values of column {columns[1]!r}"
    spelling = find_spelling(label_names, wanted)
    if spelling is None or (len(columns) > 2 and {*spelling.values()} != {*wanted}):
        raise DataError(
            f"{path}: the {kind} are {format_examples(wanted, limit=12)}, but the labels of the model are "
            f"{format_examples(label_names, limit=12)}; use the model and the sample of one task"
        )
    return Submission(path, columns, ids, spelling)


def find_spelling(label_names: Sequence[str], wanted: Sequence[str]) -> dict[str, str] | None:
    """Return how each label is spelled where the wanted ones are labels; None if no spelling gives all of them.

    The spelling is found from the labels that occur, and applied to all: a sample may have one label in all rows.

    >>> find_spelling(["FAKE", "REAL"], ["fake"])
    {'FAKE': 'fake', 'REAL': 'real'}
    >>> find_spelling(["1.0", "0.0"], ["0"])
    {'1.0': '1', '0.0': '0'}
    >>> find_spelling(["FAKE", "REAL"], ["sports"]) is None
    True
    """
    for spell in _SPELLINGS:
        spelling = {name: spell(name) for name in label_names}
        if {*wanted} <= {*spelling.values()} and len({*spelling.values()}) == len(label_names):
            return spelling
    return None


def check_ids(submission: Submission, found: pa.ChunkedArray, *, source_name: str) -> None:
    """Refuse input rows that do not answer the sample.

    Raises:
        DataError: an id of the sample is missing in the input, or occurs there twice.
    """
    refuse_repeated_ids(found, source_name, submission.id_column)
    missing = submission.ids.filter(pc.invert(pc.is_in(submission.ids, value_set=found.combine_chunks())))
    if len(missing):
        raise DataError(
            f"{source_name}: no row for {len(missing):,} of {len(submission.ids):,} ids of {submission.path} (column "
            f"{submission.id_column!r}): {format_examples(missing.to_pylist())}; pass the file of the same task"
        )


def fill_submission(submission: Submission, answers: pa.Table) -> pa.Table:
    """Return a row for each id of the sample, in its order, with its columns.

    Args:
        submission: whose ids `check_ids` has found.
        answers: the id column and the columns of `submission.form`, in the order of the input.
    """
    rows = answers.take(pc.index_in(submission.ids, value_set=answers.column(submission.id_column).combine_chunks()))
    if len(submission.columns) > 2:
        label_names = {spelled: name for name, spelled in submission.spelling.items()}
        labels = [rows.column(PROBABILITY + label_names[column]) for column in submission.columns[1:]]
    else:
        names = pa.array(submission.spelling.keys(), pa.string())
        spelled = pa.array(submission.spelling.values(), pa.string())
        labels = [pc.take(spelled, pc.index_in(rows.column("prediction"), value_set=names))]
    return pa.table([rows.column(submission.id_column), *labels], names=[*submission.columns])


def refuse_repeated_ids(ids: pa.ChunkedArray, source_name: Path | str, column: str) -> None:
    """Refuse ids if one is empty or occurs twice.

    Raises:
        DataError: names the first ones.
    """
    if ids.null_count:
        raise DataError(f"{source_name}: {ids.null_count:,} rows without an id in column {column!r}; fill them in")
    counts = pc.value_counts(ids.combine_chunks())
    repeated = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    if len(repeated):
        raise DataError(
            f"{source_name}: ids that occur more than once in column {column!r}: "
            f"{format_examples(repeated.to_pylist())}; a submission needs different ids"
        )


def _read_header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return next(csv.reader(stream), [""])
    except (OSError, UnicodeError) as error:
        raise SourceError(
            f"{path}: the sample submission cannot be read ({error}); name a CSV file in UTF-8"
        ) from error
