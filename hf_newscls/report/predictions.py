"""The predictions of a test set: with texts in the run folder; published with a hash in place of each text.

Shape letters: N rows, L labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset
from numpy.typing import NDArray

from hf_newscls.data.manifest import hash_row
from hf_newscls.data.readers.rows import ROW_ID
from hf_newscls.errors import DataError, format_examples
from hf_newscls.inference.answers import PROBABILITY
from hf_newscls.storage import replace_file

PREDICTIONS_FILE = "predictions.parquet"
"""Path of the file in a model repository."""

_ROW, _REFERENCE = "row", "reference"


@dataclass(frozen=True)
class PublishedPredictions:
    """The predictions of a model for each row of a test set, ordered by the hashes of the rows."""

    rows: Sequence[str]  # SHA-256 of label name and text of each row, as in the split's fingerprint
    label_names: Sequence[str]  # in the order of the columns of `probabilities`
    references: NDArray[np.int64]  # label ids, shape (N,)
    probabilities: NDArray[np.float32]  # shape (N, L)


def write_predictions(
    path: Path, dataset: Dataset, probabilities: NDArray[np.float32], label_names: Sequence[str]
) -> None:
    """Write id, text, reference, prediction and `probability of LABEL` of each row, in the order of the rows."""
    columns = {
        ROW_ID: dataset[ROW_ID][:],
        "text": dataset["text"][:],
        _REFERENCE: [label_names[label] for label in dataset["label"]],
        "prediction": [label_names[label] for label in probabilities.argmax(axis=1)],
    }
    columns |= {f"{PROBABILITY}{name}": probabilities[:, index] for index, name in enumerate(label_names)}
    with replace_file(path) as new:
        pq.write_table(pa.table(columns), new)


def read_labeled_texts(path: Path) -> tuple[list[str], list[str]]:
    """Return texts and correct label names of the test rows of a run.

    Raises:
        DataError: the file is missing, or is not a file of predictions.
    """
    table = _read_table(path, columns=("text", _REFERENCE))
    return table["text"].to_pylist(), table[_REFERENCE].to_pylist()


def hash_predictions(path: Path) -> PublishedPredictions:
    """Read the predictions of a run and replace its texts by hashes.

    Raises:
        DataError: the file is missing, or is not a file of predictions.
    """
    table = _read_table(path, columns=("text", _REFERENCE))
    references = table[_REFERENCE].to_pylist()
    hashes = [hash_row(text, name) for text, name in zip(table["text"].to_pylist(), references, strict=True)]
    order = np.argsort(hashes, kind="stable")
    return _build(table.append_column(_ROW, pa.array(hashes)).take(order), path)


def read_predictions(path: Path) -> PublishedPredictions:
    """Read a file that `predictions_to_parquet` wrote.

    Raises:
        DataError: the file is missing, or is not a file of predictions.
    """
    return _build(_read_table(path, columns=(_ROW, _REFERENCE)), path)


def predictions_to_parquet(predictions: PublishedPredictions) -> bytes:
    """Return a Parquet file of `row`, `reference` and `probability of LABEL`; equal predictions give equal bytes."""
    names = predictions.label_names
    columns = {
        _ROW: pa.array(predictions.rows, pa.string()),
        _REFERENCE: pa.array([names[label] for label in predictions.references], pa.string()),
    }
    columns |= {f"{PROBABILITY}{name}": predictions.probabilities[:, index] for index, name in enumerate(names)}
    stream = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), stream)
    return bytes(stream.getvalue())


def _read_table(path: Path, *, columns: Sequence[str]) -> pa.Table:
    try:
        file = pq.ParquetFile(path)
        names = file.schema_arrow.names
        probabilities = [name for name in names if name.startswith(PROBABILITY)]
        missing = [name for name in columns if name not in names] + ([] if probabilities else [f"{PROBABILITY}LABEL"])
        if missing:
            found = format_examples(names)
            raise DataError(f"{path}: no column {format_examples(missing)} (found: {found}); evaluate the run again")
        # Other columns are not decoded: a small file can hold a huge one.
        return file.read([*columns, *probabilities])
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"{path}: not a Parquet file ({error}); evaluate the run again") from error


def _build(table: pa.Table, path: Path) -> PublishedPredictions:
    names = [name.removeprefix(PROBABILITY) for name in table.column_names if name.startswith(PROBABILITY)]
    ids = {name: label for label, name in enumerate(names)}
    references = table[_REFERENCE].to_pylist()
    unknown = sorted({*references} - {*names})
    if unknown:
        labels = format_examples(unknown)
        raise DataError(f"{path}: no probabilities for labels {labels}; evaluate the run again")
    return PublishedPredictions(
        rows=table[_ROW].to_pylist(),
        label_names=names,
        references=np.array([ids[name] for name in references], dtype=np.int64),
        probabilities=np.stack([table[f"{PROBABILITY}{name}"].to_numpy() for name in names], axis=1),
    )
