"""Any text and any probability comes back from each format as it was."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_newscls.errors import InputError
from hf_newscls.inference.output_formats import find_writer

TEXTS = ['a, "b"', "two\nlines", "東京 🏟️", " spaced ", "'=1+1", None, "\r"]
PROBABILITIES = np.float32([0.1, 1 / 3, 1.0, 1e-9, 0.61130923, 0.5, 0.0])
TABLE = pa.table({"text": TEXTS, "probability": PROBABILITIES})


def write(ending: str, folder: Path) -> Path:
    path = folder / f"answers.{ending}"
    find_writer(path)([TABLE.slice(0, 3), TABLE.slice(3)], TABLE.schema, path)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    with path.open(encoding="utf-8", newline="") as stream:
        return [*csv.DictReader(stream)] if path.suffix == ".csv" else [json.loads(line) for line in stream]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_values_come_back(ending: str, tmp_path: Path) -> None:
    rows = read(write(ending, tmp_path))
    assert [row["text"] or None for row in rows] == TEXTS
    assert np.array_equal(np.float32([row["probability"] for row in rows]), PROBABILITIES)


def test_probabilities_have_no_more_digits_than_needed(tmp_path: Path) -> None:
    assert [row["probability"] for row in read(write("csv", tmp_path))][:3] == ["0.1", "0.33333334", "1.0"]


@pytest.mark.parametrize("name", ["answers", "answers.txt", "answers.csv.gz"])
def test_other_endings_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"\.csv, \.jsonl, \.parquet"):
        find_writer(Path(name))


def test_ending_may_be_in_capitals(tmp_path: Path) -> None:
    assert len(read(write("CSV", tmp_path).rename(tmp_path / "answers.csv"))) == len(TEXTS)
