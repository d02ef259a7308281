"""Published predictions have hashes instead of texts, and everything else."""

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import DatasetDict

from hf_newscls.data.manifest import compute_fingerprint
from hf_newscls.errors import DataError
from hf_newscls.report.predictions import hash_predictions, predictions_to_parquet, read_predictions
from hf_newscls.workflow import prepare
from tests.conftest import FinishedRun


def write(path: Path, **columns: list[object]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Predictions of a run: two rows; the second has the smaller hash."""
    columns = {"id": ["1", "2"], "text": ["b", "a"], "reference": ["NO", "YES"], "prediction": ["NO", "NO"]}
    fractions = {"probability of YES": [0.25, 0.4], "probability of NO": [0.75, 0.6]}
    return write(tmp_path / "own.parquet", **columns, **fractions)


def test_rows_are_hashed_by_label_and_text(own: Path) -> None:
    found = hash_predictions(own)
    expected = {hashlib.sha256(content).hexdigest(): index for index, content in enumerate((b"NO\nb", b"YES\na"))}
    assert found.rows == sorted(expected)
    order = [expected[row] for row in found.rows]
    assert found.label_names == ["YES", "NO"]
    assert found.references.tolist() == [[1, 0][index] for index in order]
    np.testing.assert_allclose(found.probabilities, np.array([[0.25, 0.75], [0.4, 0.6]])[order])


def test_published_file_has_no_text_and_is_read_back(own: Path, tmp_path: Path) -> None:
    content = predictions_to_parquet(hash_predictions(own))
    (tmp_path / "published.parquet").write_bytes(content)
    columns = pq.read_table(tmp_path / "published.parquet").column_names
    assert columns == ["row", "reference", "probability of YES", "probability of NO"]
    again = read_predictions(tmp_path / "published.parquet")
    assert predictions_to_parquet(again) == content


def test_hashes_match_the_fingerprint(tiny_run: FinishedRun) -> None:
    splits = prepare(tiny_run.recipe).splits
    test_only = DatasetDict({split: rows if split == "test" else rows.select([]) for split, rows in splits.items()})
    lines = "".join(f"test:{row}\n" for row in hash_predictions(tiny_run.run.predictions).rows)
    assert hashlib.sha256(lines.encode()).hexdigest() == compute_fingerprint(test_only)


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"row": ["x"]}, r"'reference', 'probability of LABEL' \(found: 'row'\)"),
        ({"row": ["x"], "reference": ["A"]}, r"'probability of LABEL' \(found: 'row', 'reference'\)"),
        ({"row": ["x"], "reference": ["A"], "probability of B": [1.0]}, "'A'"),
    ],
)
def test_other_tables_are_refused(columns: dict[str, list[object]], found: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"x\.parquet: .*{found}"):
        read_predictions(write(tmp_path / "x.parquet", **columns))


def test_broken_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(DataError, match=r"x\.parquet: "):
        read_predictions(tmp_path / "x.parquet")
