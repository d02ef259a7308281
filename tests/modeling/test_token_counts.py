"""Token counts are summarized, worked by hand."""

import numpy as np
import pytest

from hf_newscls.modeling.token_counts import TokenCounts, TokenSummary


def summarize(*lengths: int, unknown: int = 0, max_length: int = 8) -> TokenSummary:
    """Summarize texts with two special tokens each; the first one has the unknown tokens."""
    counts = TokenCounts(np.array(lengths), np.array([unknown, *[0] * (len(lengths) - 1)]), special=2)
    return counts.summarize(max_length=max_length)


@pytest.mark.parametrize(
    ("lengths", "max_length", "median", "fraction"),
    [((5,), 5, 5.0, 0.0), ((5,), 4, 5.0, 1.0), ((9, 2, 4, 2), 3, 3.0, 0.5), ((9, 2, 4), 8, 4.0, 1 / 3)],
)
def test_lengths_are_summarized(lengths: tuple[int, ...], max_length: int, median: float, fraction: float) -> None:
    found = summarize(*lengths, max_length=max_length)
    assert (found.median, found.longest, found.fraction_cut_off) == (median, max(lengths), fraction)


@pytest.mark.parametrize(
    ("max_length", "texts", "cut_tokens"), [(8, 0, 0), (7, 1, 1), (6, 1, 2), (5, 4, 6), (2, 5, 19)]
)
def test_texts_and_tokens_that_are_cut_off_are_counted(max_length: int, texts: int, cut_tokens: int) -> None:
    found = summarize(6, 6, 6, 3, 8, max_length=max_length)
    assert (found.texts, found.texts_cut_off, found.fraction_cut_off) == (5, texts, texts / 5)
    assert (found.tokens, found.tokens_cut_off) == (29, cut_tokens)


@pytest.mark.parametrize(("unknown", "warns"), [(0, False), (1, False), (2, True)])
def test_more_than_5_percent_unknown_tokens_are_a_warning(
    unknown: int, warns: bool, caplog: pytest.LogCaptureFixture
) -> None:
    found = summarize(12, 12, unknown=unknown)  # of 20 tokens that are not special
    assert found.unknown_fraction == unknown / 20
    found.warn_of_unknown("ann/encoder")
    assert [(record.levelname, "ann/encoder" in record.getMessage()) for record in caplog.records] == [
        ("WARNING", True)
    ] * warns


def test_texts_without_a_token_have_no_unknown_ones() -> None:
    assert summarize(2, 2).unknown_fraction == 0
