"""Blocks hold all rows in order, within their limits, at the same rows however a file is read."""

from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Dataset, Features, Value
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_newscls.data.readers.format import ReadOptions
from hf_newscls.data.readers.row_blocks import cut_blocks, read_dataset_blocks, read_row_blocks
from hf_newscls.errors import DataError

TEXT = st.lists(st.one_of(st.none(), st.text(max_size=9)), max_size=40)


@settings(max_examples=25, deadline=None)
@given(TEXT, st.integers(1, 7), st.integers(1, 12), st.integers(1, 30))
def test_blocks_do_not_depend_on_how_the_rows_came(texts: list[str | None], part: int, rows: int, size: int) -> None:
    whole = pa.table({"text": pa.array(texts, pa.large_string())})
    parts = [whole.slice(start, part) for start in range(0, len(whole), part)]
    blocks = [block["text"].to_pylist() for block in cut_blocks(parts, max_rows=rows, max_bytes=size)]
    assert [text for block in blocks for text in block] == texts
    assert blocks == [block["text"].to_pylist() for block in cut_blocks([whole], max_rows=rows, max_bytes=size)]
    for block in blocks:
        assert 1 <= len(block) <= rows
        assert len(block) == 1 or sum(len((text or "").encode()) for text in block) <= size


def test_dataset_is_read_as_text_with_label_names() -> None:
    features = Features({"text": Value("string"), "label": ClassLabel(names=["FAKE", "REAL"]), "year": Value("int32")})
    dataset = Dataset.from_dict({"text": ["rain", ""], "label": [1, 0], "year": [2018, 2019]}, features=features)
    (block,) = read_dataset_blocks(dataset, ["year", "text", "label"])
    assert block.to_pydict() == {"year": ["2018", "2019"], "text": ["rain", None], "label": ["REAL", "FAKE"]}
    with pytest.raises(DataError, match=r"'title'.*'text'"):
        next(read_dataset_blocks(dataset, ["title"]))


def test_value_that_is_too_long_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "news.parquet"
    pq.write_table(pa.table({"text": ["rain", "x" * 101]}), path)
    assert sum(map(len, read_row_blocks([path], ["text"]))) == 2
    with pytest.raises(DataError, match=r"row 2: .*data\.max_characters"):
        next(read_row_blocks([path], ["text"], options=ReadOptions(max_characters=100)))


def test_file_that_unpacks_to_far_more_than_its_size_is_refused(tmp_path: Path) -> None:
    # Parquet holds a repeated value once: 80 MB of text in a few kilobytes.
    path = tmp_path / "news.parquet"
    pq.write_table(pa.table({"text": pa.repeat("x" * 100_000, 800)}), path)
    with pytest.raises(DataError, match="unpack"):
        [*read_row_blocks([path], ["text"])]


def test_closed_blocks_close_the_file(tmp_path: Path) -> None:
    path = tmp_path / "news.csv"
    path.write_text("text\n" + "rain\n" * 9000)
    blocks = read_row_blocks([path], ["text"])
    next(blocks)
    assert str(path) in {file.path for file in psutil.Process().open_files()}
    blocks.close()
    assert str(path) not in {file.path for file in psutil.Process().open_files()}
