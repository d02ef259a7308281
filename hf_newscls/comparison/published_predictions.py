"""Read predictions that strangers published, and refuse a file that is not what it must be.

Shape letters: N rows, L labels.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hf_newscls.comparison.model_scores import build_file_error, clean_text, is_fingerprint
from hf_newscls.errors import DataError
from hf_newscls.inference.answers import PROBABILITY
from hf_newscls.report.predictions import PublishedPredictions, hash_predictions, read_predictions

_MAX_ROWS, _MAX_LABELS, _MAX_VALUES, _MAX_BYTES = 2_000_000, 5_000, 100_000_000, 2_000_000_000
_MAX_TEXT_BYTES = 200
_SUM_TOLERANCE, _ANSWER_TOLERANCE = 1e-2, 1e-2
# A TypeError comes from a missing reference: text and None cannot be sorted.
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, pa.ArrowException)


def read_published_predictions(path: Path) -> PublishedPredictions:
    """Read the predictions of a model on the Hub.

    Raises:
        DataError: the file is something else, or larger than a test set can be.
    """
    return _read(path, _read_bounded)


def hash_run_predictions(path: Path) -> PublishedPredictions:
    """Read the predictions of a local run, with texts replaced by hashes; other files are a `DataError`."""
    return _read(path, hash_predictions)


def check_predictions(predictions: PublishedPredictions, *, source_name: str) -> PublishedPredictions:
    """Return the predictions sorted by row hash.

    A test set may contain a text twice, but both rows then need the same answer; other repeated rows could give some
    rows more weight.

    Raises:
        DataError: what is wrong with the predictions.
    """
    rows, probabilities = predictions.rows, predictions.probabilities
    if len(predictions.label_names) < 2 or not len(rows):
        raise build_file_error(source_name, f"{len(rows)} rows and {len(predictions.label_names)} labels, too few")
    if not all(isinstance(row, str) and is_fingerprint(row) for row in rows):
        raise build_file_error(source_name, "column 'row' is not a SHA-256 in every row")
    if not (np.isfinite(probabilities).all() and (probabilities >= 0).all() and (probabilities <= 1).all()):
        raise build_file_error(source_name, "probabilities outside [0, 1]")
    if (np.abs(probabilities.sum(axis=1, dtype=np.float64) - 1) > _SUM_TOLERANCE).any():
        raise build_file_error(source_name, "probabilities of a row that do not sum to 1")
    order = np.argsort(np.asarray(rows), kind="stable")
    ordered, references, probabilities = np.asarray(rows)[order], predictions.references[order], probabilities[order]
    is_other = np.abs(np.diff(probabilities, axis=0)).max(axis=1) > _ANSWER_TOLERANCE
    is_other |= np.diff(references) != 0
    if repeated := int(((ordered[1:] == ordered[:-1]) & is_other).sum()):
        raise build_file_error(source_name, f"{repeated:,} repeated rows with a different answer")
    return replace(predictions, rows=ordered.tolist(), references=references, probabilities=probabilities)


def _read_bounded(path: Path) -> PublishedPredictions:
    # A small file can repeat a long text a million times.
    _check_size(pq.ParquetFile(path, read_dictionary=["row", "reference"]), path.name)
    return read_predictions(path)


def _read(path: Path, read: Callable[[Path], PublishedPredictions]) -> PublishedPredictions:
    """Read and check; the message can be published: it is short, and names no folder of this machine."""
    try:
        return check_predictions(read(path), source_name=path.name)
    except _UNREADABLE as error:
        reason = clean_text(str(error).replace(str(path), path.name))
        if isinstance(error, DataError):
            raise DataError(reason) from error
        raise build_file_error(path.name, f"not a Parquet file of predictions ({reason})") from error


def _check_size(file: pq.ParquetFile, name: str) -> None:
    """Refuse a file that would fill the memory once it is decoded."""
    metadata, names = file.metadata, file.schema_arrow.names
    size = sum(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups))
    found = (metadata.num_rows, len(names), metadata.num_rows * len(names), size)
    allowed = (_MAX_ROWS, _MAX_LABELS, _MAX_VALUES, _MAX_BYTES)
    if any(one > limit for one, limit in zip(found, allowed, strict=True)):
        text = "{:,} rows, {:,} columns, {:,} values and {:,} bytes"
        raise build_file_error(name, f"{text.format(*found)}; at most {text.format(*allowed)} are read")
    if len({*names}) < len(names):
        raise build_file_error(name, "two columns with the same name")
    for column in file.schema_arrow:
        if column.name.startswith(PROBABILITY) and not pa.types.is_floating(column.type):
            raise build_file_error(name, f"column {clean_text(column.name)!r} holds {column.type}, not probabilities")
    for batch in file.iter_batches(columns=[column for column in ("row", "reference") if column in names]):
        longest = max((_measure_texts(column) for column in batch.columns), default=0)
        if longest > _MAX_TEXT_BYTES:
            raise build_file_error(name, f"a hash or label of {longest:,} bytes, more than {_MAX_TEXT_BYTES}")


def _measure_texts(column: pa.Array) -> int:
    """Return the bytes of the longest text of a column, without decoding repeated texts."""
    texts = column.dictionary if isinstance(column, pa.DictionaryArray) else column
    if not pa.types.is_string(texts.type):
        raise pa.ArrowInvalid(f"hashes and labels must be text, not {texts.type}")
    return int(pc.max(pc.binary_length(texts)).as_py() or 0)
