"""Predictions of strangers are accepted only if they are valid."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_newscls.comparison.published_predictions import (
    check_predictions,
    hash_run_predictions,
    read_published_predictions,
)
from hf_newscls.errors import DataError
from hf_newscls.report.predictions import PublishedPredictions, predictions_to_parquet
from tests.comparison.board_parts import answer, hash_number
from tests.processes import run_python

FAKE, REAL = "probability of FAKE", "probability of REAL"


def save(path: Path, **changes: Any) -> Path:
    """Write two rows of predictions with some columns changed; None takes one away."""
    columns: dict[str, Any] = {
        "row": [hash_number(0), hash_number(1)],
        "reference": ["FAKE", "REAL"],
        FAKE: [0.9, 0.2],
        REAL: [0.1, 0.8],
    }
    columns |= {{"fake": FAKE, "real": REAL}.get(name, name): value for name, value in changes.items()}
    pq.write_table(pa.table({name: value for name, value in columns.items() if value is not None}), path)
    return path


def test_published_predictions_are_read_back(tmp_path: Path) -> None:
    given, path = answer(15), tmp_path / "predictions.parquet"
    path.write_bytes(predictions_to_parquet(given))
    found = read_published_predictions(path)
    assert (list(found.rows), list(found.label_names)) == (list(given.rows), list(given.label_names))
    assert np.array_equal(found.references, given.references)
    assert np.array_equal(found.probabilities, given.probabilities)


def test_rows_are_sorted_by_hash(tmp_path: Path) -> None:
    found = read_published_predictions(save(tmp_path / "p.parquet", row=[hash_number(7), hash_number(2)]))
    assert list(found.rows) == [hash_number(2), hash_number(7)]
    assert found.references.tolist() == [1, 0]
    assert found.probabilities[:, 1].tolist() == pytest.approx([0.8, 0.1])


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"fake": [1.5, 0.2]}, "[0, 1]"),
        ({"fake": [-0.1, 0.2]}, "[0, 1]"),
        ({"fake": [float("nan"), 0.2]}, "[0, 1]"),
        ({"fake": [None, 0.2]}, "[0, 1]"),
        ({"fake": [0.9, 0.9]}, "sum to 1"),
        ({"fake": ["a", "b"]}, "'probability of FAKE' holds string"),
        ({"fake": [[0.9], [0.2]]}, "'probability of FAKE' holds list"),
        ({"real": None, "reference": ["FAKE", "FAKE"], "fake": [1.0, 1.0]}, "2 rows and 1 labels"),
        ({"row": [hash_number(0)] * 2}, "1 repeated rows"),
        ({"row": ["a", "b"]}, "'row'"),
        ({"row": [None, hash_number(1)]}, "'row'"),
        ({"row": [1, 2]}, "int64"),
        ({"row": None}, "row"),
        ({"reference": ["FAKE", "SATIRE"]}, "SATIRE"),
        ({"reference": ["FAKE", None]}, "None"),
        ({"reference": [None, "SATIRE"]}, "p.parquet"),
        ({"reference": ["FAKE", "x" * 300]}, "300 bytes"),
        ({"row": [], "reference": [], "fake": [], "real": []}, ""),
    ],
)
def test_invalid_predictions_are_refused(changes: dict[str, Any], part: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_published_predictions(save(tmp_path / "p.parquet", **changes))
    assert part in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    assert len(str(caught.value)) <= 400


@pytest.mark.parametrize("content", [b"", b"garbage", b"PAR1" + b"\0" * 100 + b"PAR1", b"\x80\x04K\x01."])
@pytest.mark.parametrize("read", [read_published_predictions, hash_run_predictions])
def test_garbage_is_refused(content: bytes, read: Callable[[Path], PublishedPredictions], tmp_path: Path) -> None:
    path = tmp_path / "predictions.parquet"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"predictions\.parquet") as caught:
        read(path)
    assert str(tmp_path) not in str(caught.value)


def test_truncated_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "predictions.parquet"
    path.write_bytes(predictions_to_parquet(answer(15))[:-30])
    with pytest.raises(DataError):
        read_published_predictions(path)


def test_long_repeated_text_is_not_decoded(tmp_path: Path) -> None:
    rows = pa.DictionaryArray.from_arrays(pa.array([0] * 1000, pa.int32()), pa.array(["x" * 1_000_000]))
    columns = {"row": rows, "reference": ["FAKE"] * 1000, FAKE: [0.5] * 1000, REAL: [0.5] * 1000}
    pq.write_table(pa.table(columns), tmp_path / "p.parquet")
    with pytest.raises(DataError, match="1,000,000 bytes"):
        read_published_predictions(tmp_path / "p.parquet")


# Reads a file with 1 GB of memory at most, and prints what was found.
READ_BOUNDED = """
import resource, sys
from pathlib import Path
from hf_newscls.comparison.published_predictions import read_published_predictions
from hf_newscls.errors import DataError
used = int(open("/proc/self/statm").read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (used + 2**30, used + 2**30))
try:
    print(len(read_published_predictions(Path(sys.argv[1])).rows))
except DataError as error:
    print("refused")
"""


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "labels", "found"), [(2000, 2, "2000"), (100_000, 1100, "refused")])
def test_small_file_cannot_fill_the_memory(rows: int, labels: int, found: str, tmp_path: Path) -> None:
    # A dictionary holds one value: the file is small, its columns are not.
    text = pa.array(["x" * 1_000_000]).dictionary_encode()
    one = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), text.dictionary)
    columns: dict[str, Any] = {"row": [hash_number(index) for index in range(rows)], "reference": ["l0"] * rows}
    columns |= {f"probability of l{label}": np.full(rows, 1 / labels) for label in range(labels)}
    path = tmp_path / "predictions.parquet"
    pq.write_table(pa.table({**columns, "unneeded": one}), path)
    assert path.stat().st_size < 40_000_000
    result = run_python(READ_BOUNDED, str(path), cwd=tmp_path, home=tmp_path)
    assert (result.out.strip(), result.code) == (found, 0), result.err


def test_repeated_text_needs_one_answer() -> None:
    given = answer(4, rows=4)
    twins = replace(given, rows=[hash_number(0)] * 2 + [hash_number(1)] * 2, references=np.array([0, 0, 1, 1]))
    alike = replace(twins, probabilities=given.probabilities[[0, 0, 1, 1]])
    assert list(check_predictions(alike, source_name="here").rows) == list(alike.rows)
    with pytest.raises(DataError, match=r"^here: 2 "):
        check_predictions(twins, source_name="here")
