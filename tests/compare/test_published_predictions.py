"""Predictions of others are taken only if they are what they should be."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_newscls.compare.published_predictions import check_predictions, hash_run_predictions, read_foreign_predictions
from hf_newscls.errors import DataError
from hf_newscls.report.predictions import PublishedPredictions, predictions_to_parquet
from tests.compare.board_parts import answer, hash_number

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
    found = read_foreign_predictions(path)
    assert (list(found.rows), list(found.label_names)) == (list(given.rows), list(given.label_names))
    assert np.array_equal(found.references, given.references)
    assert np.array_equal(found.probabilities, given.probabilities)


def test_rows_are_put_in_the_order_of_their_hashes(tmp_path: Path) -> None:
    found = read_foreign_predictions(save(tmp_path / "p.parquet", row=[hash_number(7), hash_number(2)]))
    assert list(found.rows) == [hash_number(2), hash_number(7)]
    assert found.references.tolist() == [1, 0]
    assert found.probabilities[:, 1].tolist() == pytest.approx([0.8, 0.1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fake": [1.5, 0.2]}, "probabilities in [0, 1]"),
        ({"fake": [-0.1, 0.2]}, "probabilities in [0, 1]"),
        ({"fake": [float("nan"), 0.2]}, "probabilities in [0, 1]"),
        ({"fake": [None, 0.2]}, "probabilities in [0, 1]"),
        ({"fake": [0.9, 0.9]}, "probabilities that sum to 1"),
        ({"fake": ["a", "b"]}, "numbers as probabilities, got string in probability of FAKE"),
        ({"fake": [[0.9], [0.2]]}, "numbers as probabilities"),
        ({"real": None, "reference": ["FAKE", "FAKE"], "fake": [1.0, 1.0]}, "rows and two labels, got 2 and 1"),
        ({"row": [hash_number(0)] * 2}, "one answer for each row, got 1 rows again with another"),
        ({"row": ["a", "b"]}, "a SHA-256 for each row"),
        ({"row": [None, hash_number(1)]}, "a SHA-256 for each row"),
        ({"row": [1, 2]}, "texts are wanted, got int64"),
        ({"row": None}, "must "),
        ({"reference": ["FAKE", "SATIRE"]}, "for labels 'SATIRE'"),
        ({"reference": ["FAKE", None]}, "for labels None"),
        ({"reference": [None, "SATIRE"]}, "a Parquet file of predictions"),
        ({"reference": ["FAKE", "x" * 300]}, "at most 200 bytes"),
        ({"row": [], "reference": [], "fake": [], "real": []}, ""),
    ],
)
def test_what_no_model_answers_is_refused(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_foreign_predictions(save(tmp_path / "p.parquet", **changes))
    assert message in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    assert len(str(caught.value)) <= 400


@pytest.mark.parametrize("content", [b"", b"garbage", b"PAR1" + b"\0" * 100 + b"PAR1", b"\x80\x04K\x01."])
@pytest.mark.parametrize("read", [read_foreign_predictions, hash_run_predictions])
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
        read_foreign_predictions(path)


def test_text_that_repeats_without_end_is_not_written_out(tmp_path: Path) -> None:
    rows = pa.DictionaryArray.from_arrays(pa.array([0] * 1000, pa.int32()), pa.array(["x" * 1_000_000]))
    columns = {"row": rows, "reference": ["FAKE"] * 1000, FAKE: [0.5] * 1000, REAL: [0.5] * 1000}
    pq.write_table(pa.table(columns), tmp_path / "p.parquet")
    with pytest.raises(DataError, match="at most 200 bytes"):
        read_foreign_predictions(tmp_path / "p.parquet")


def test_text_that_stands_twice_has_one_answer() -> None:
    given = answer(4, rows=4)
    twins = replace(given, rows=[hash_number(0)] * 2 + [hash_number(1)] * 2, references=np.array([0, 0, 1, 1]))
    alike = replace(twins, probabilities=given.probabilities[[0, 0, 1, 1]])
    assert list(check_predictions(alike, source_name="here").rows) == list(alike.rows)
    with pytest.raises(DataError, match=r"^here: must hold one answer for each row, got 2 rows again"):
        check_predictions(twins, source_name="here")
