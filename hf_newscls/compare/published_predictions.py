"""Predictions that someone else published, taken only if they are what they should be.

Shape letters: N rows, L labels.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hf_newscls.compare.model_scores import clean_text, is_fingerprint
from hf_newscls.errors import DataError
from hf_newscls.report.predictions import PROBABILITY, PublishedPredictions, hash_predictions, read_predictions

__all__ = ["check_predictions", "hash_run_predictions", "read_foreign_predictions"]

_MOST_ROWS, _MOST_LABELS, _MOST_BYTES = 5_000_000, 5_000, 2_000_000_000
_LONGEST_TEXT = 200
_SUM_TOLERANCE, _ANSWER_TOLERANCE = 1e-2, 1e-2
# A TypeError where references are missing: no order is known between a text and nothing.
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, pa.ArrowException)


def read_foreign_predictions(path: Path) -> PublishedPredictions:
    """Read predictions that someone else published.

    Raises:
        DataError: the file is something else, or larger than any test set should be.
    """

    def read(path: Path) -> PublishedPredictions:
        """Read a file whose size was checked before."""
        _check_size(pq.ParquetFile(path, read_dictionary=["row", "reference"]), path.name)
        return read_predictions(path)

    return _read(path, read)


def hash_run_predictions(path: Path) -> PublishedPredictions:
    """Read the predictions of a run of this machine, with hashes in the texts' place.

    Raises:
        DataError: the file is not there, or not what a run writes.
    """
    return _read(path, hash_predictions)


def check_predictions(predictions: PublishedPredictions, *, source_name: str) -> PublishedPredictions:
    """Return the predictions in the order of their rows' hashes, each with the probabilities of two labels or more.

    A test set may hold a text twice, which then has one answer; other repetitions would weigh rows at will.

    Raises:
        DataError: what is wrong with them.
    """
    rows, probabilities = predictions.rows, predictions.probabilities
    if len(predictions.label_names) < 2 or not len(rows):
        raise _refuse(source_name, "rows and two labels", f"{len(rows)} and {len(predictions.label_names)}")
    if not all(isinstance(row, str) and is_fingerprint(row) for row in rows):
        raise _refuse(source_name, "a SHA-256 for each row", "something else")
    if not (np.isfinite(probabilities).all() and (probabilities >= 0).all() and (probabilities <= 1).all()):
        raise _refuse(source_name, "probabilities in [0, 1]", "others")
    if (np.abs(probabilities.sum(axis=1, dtype=np.float64) - 1) > _SUM_TOLERANCE).any():
        raise _refuse(source_name, "probabilities that sum to 1", "other sums")
    order = np.argsort(np.asarray(rows), kind="stable")
    ordered = replace(
        predictions,
        rows=[rows[index] for index in order],
        references=predictions.references[order],
        probabilities=probabilities[order],
    )
    if again := _count_contradictions(ordered):
        raise _refuse(source_name, "one answer for each row", f"{again:,} rows again with another")
    return ordered


def _count_contradictions(ordered: PublishedPredictions) -> int:
    rows = np.asarray(ordered.rows)
    is_other = np.abs(np.diff(ordered.probabilities, axis=0)).max(axis=1) > _ANSWER_TOLERANCE
    is_other |= np.diff(ordered.references) != 0
    return int(((rows[1:] == rows[:-1]) & is_other).sum())


def _read(path: Path, read: Callable[[Path], PublishedPredictions]) -> PublishedPredictions:
    """Read and check; the message is fit to be published: it is short, and names no folder of this machine."""
    try:
        return check_predictions(read(path), source_name=path.name)
    except _UNREADABLE as error:
        reason = clean_text(str(error).replace(str(path), path.name))
        if isinstance(error, DataError):
            raise DataError(reason) from error
        raise _refuse(path.name, "a Parquet file of predictions", reason) from error


def _check_size(file: pq.ParquetFile, name: str) -> None:
    """Refuse what would fill the memory once it is decoded: a small file can repeat a long text a million times."""
    metadata, names = file.metadata, file.schema_arrow.names
    size = sum(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups))
    if metadata.num_rows > _MOST_ROWS or len(names) > _MOST_LABELS or size > _MOST_BYTES:
        raise _refuse(
            name,
            f"at most {_MOST_ROWS:,} rows, {_MOST_LABELS:,} columns and {_MOST_BYTES:,} bytes",
            f"{metadata.num_rows:,}, {len(names):,} and {size:,}",
        )
    if len({*names}) < len(names):
        raise _refuse(name, "columns of different names", "one name twice")
    for column in file.schema_arrow:
        if column.name.startswith(PROBABILITY) and not pa.types.is_floating(column.type):
            raise _refuse(name, "numbers as probabilities", f"{column.type} in {clean_text(column.name)}")
    for batch in file.iter_batches(columns=[column for column in ("row", "reference") if column in names]):
        if any(_measure_texts(column) > _LONGEST_TEXT for column in batch.columns):
            raise _refuse(name, f"hashes and labels of at most {_LONGEST_TEXT} bytes", "longer ones")


def _measure_texts(column: pa.Array) -> int:
    """Return the bytes of a column's longest text, without writing out those that repeat."""
    texts = column.dictionary if isinstance(column, pa.DictionaryArray) else column
    if not pa.types.is_string(texts.type):
        raise pa.ArrowInvalid(f"texts are wanted, got {texts.type}")
    return int(pc.max(pc.binary_length(texts)).as_py() or 0)


def _refuse(source_name: str, must: str, got: str) -> DataError:
    return DataError(f"{source_name}: must hold {must}, got {got}; its owner must publish it again")
