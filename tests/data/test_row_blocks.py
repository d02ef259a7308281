"""Blocks hold all rows in order, within their limits, at the same rows however a file is read."""

import pyarrow as pa
import pytest
from datasets import ClassLabel, Dataset, Features, Value
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_newscls.data.row_blocks import cut_blocks, read_dataset_blocks
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
