"""Batches hold every text once, within the limit, whatever the lengths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_newscls.inference.batches import cut_batches, find_distinct


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 64), max_size=60), st.integers(1, 200), st.sampled_from([1, 8]))
def test_every_text_is_in_one_batch_within_the_limit(lengths: list[int], max_tokens: int, multiple: int) -> None:
    batches = [batch.tolist() for batch in cut_batches(lengths, max_tokens=max_tokens, multiple=multiple)]
    assert sorted(index for batch in batches for index in batch) == [*range(len(lengths))]
    for batch in batches:
        width = -(-max(lengths[index] for index in batch) // multiple) * multiple
        assert len(batch) == 1 or len(batch) * width <= max_tokens
    assert [lengths[index] for batch in batches for index in batch] == sorted(lengths, reverse=True)


@pytest.mark.parametrize(
    ("multiple", "expected"), [(1, [[1], [2, 0], [3, 4]]), (4, [[1], [2, 0], [3, 4]]), (8, [[1], [2], [0], [3], [4]])]
)
def test_padding_counts(multiple: int, expected: list[list[int]]) -> None:
    found = [batch.tolist() for batch in cut_batches([3, 8, 4, 2, 2], max_tokens=8, multiple=multiple)]
    assert found == expected


def test_distinct_texts_give_the_rows_back() -> None:
    texts = ["rain", "", "storm", "rain", "rain ", ""]
    distinct = find_distinct(texts)
    assert distinct.texts == ["rain", "", "storm", "rain "]
    assert [distinct.texts[index] for index in distinct.indices] == texts
    assert find_distinct([]).indices.dtype == np.int64
