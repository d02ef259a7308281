"""Lengths of texts, summarized."""

import pytest

from hf_newscls.evaluation.token_lengths import TokenLengths, summarize_lengths


@pytest.mark.parametrize(
    ("counts", "max_length", "expected"),
    [
        ([5], 5, TokenLengths(5.0, 5, 0.0)),
        ([5], 4, TokenLengths(5.0, 5, 1.0)),
        ([9, 1, 4, 2], 3, TokenLengths(3.0, 9, 0.5)),
        ([9, 1, 4], 8, TokenLengths(4.0, 9, 1 / 3)),
    ],
)
def test_summary(counts: list[int], max_length: int, expected: TokenLengths) -> None:
    assert summarize_lengths(counts, max_length=max_length) == expected
