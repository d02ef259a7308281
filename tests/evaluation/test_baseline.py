"""Baselines: shares of the training labels, and TF-IDF that learns the tiny news."""

from typing import Any

import numpy as np
import pytest

from hf_newscls.evaluation.baseline import predict_majority, predict_tfidf
from tests.conftest import LABELS


def test_majority_gives_every_row_the_shares() -> None:
    probabilities = predict_majority([2, 0, 2, 2], rows=3, num_labels=4)
    assert probabilities.tolist() == [[0.25, 0.0, 0.75, 0.0]] * 3


def test_majority_of_no_rows_has_a_column_a_label() -> None:
    assert predict_majority([0, 1], rows=0, num_labels=2).shape == (0, 2)


def test_tfidf_learns_the_tiny_news(news_rows: Any) -> None:
    texts = [row["title"] for row in news_rows]
    labels = [LABELS.index(row["category"]) for row in news_rows]
    probabilities = predict_tfidf(texts[:90], labels[:90], texts[90:])
    assert probabilities.shape == (30, 3)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(30))
    assert probabilities.argmax(axis=1).tolist() == labels[90:]


def test_tfidf_columns_are_label_ids() -> None:
    # The labels come in another order than their ids.
    texts = ["goal coach", "bank shares", "planet orbit"] * 4
    probabilities = predict_tfidf(texts, [2, 0, 1] * 4, ["bank", "orbit", "coach"])
    assert probabilities.argmax(axis=1).tolist() == [0, 1, 2]


def test_tfidf_reads_word_pairs() -> None:
    # Single words say nothing here: each text has the same two.
    texts = ["not good", "good not"] * 10
    probabilities = predict_tfidf(texts, [0, 1] * 10, ["not good", "good not"])
    assert probabilities.argmax(axis=1).tolist() == [0, 1]


def test_tfidf_is_the_same_every_time(news_rows: Any) -> None:
    texts = [row["body"] for row in news_rows]
    labels = [LABELS.index(row["category"]) for row in news_rows]
    first, second = (predict_tfidf(texts, labels, texts) for _ in range(2))
    assert np.array_equal(first, second)


def test_tfidf_of_unknown_words_falls_back_on_the_shares() -> None:
    probabilities = predict_tfidf(["goal", "goal match", "bank"], [0, 0, 1], ["", "xyzzy"])
    assert probabilities[0].tolist() == probabilities[1].tolist()
    assert probabilities[0].argmax() == 0
