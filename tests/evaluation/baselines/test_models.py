"""Baselines: fractions of the training labels, and TF-IDF that learns the tiny news."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hf_newscls.evaluation.baselines.models import (
    predict_characters,
    predict_features,
    predict_length,
    predict_majority,
    predict_svm,
    predict_tfidf,
    predict_words,
)
from tests.conftest import LABELS


def test_majority_gives_every_row_the_fractions() -> None:
    probabilities = predict_majority([2, 0, 2, 2], rows=3, num_labels=4)
    assert probabilities.tolist() == [[0.25, 0.0, 0.75, 0.0]] * 3


def test_majority_of_no_rows_has_a_column_a_label() -> None:
    assert predict_majority([0, 1], rows=0, num_labels=2).shape == (0, 2)


@pytest.mark.parametrize("predict", [predict_tfidf, predict_characters, predict_words])
def test_text_predicts_the_tiny_news(predict: Callable[..., NDArray[np.float64]], news_rows: Any) -> None:
    texts = [row["title"] for row in news_rows]
    labels = [LABELS.index(row["category"]) for row in news_rows]
    probabilities = predict((texts[:90], labels[:90]), texts[90:], num_labels=3)
    assert probabilities.shape == (30, 3)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(30))
    assert probabilities.argmax(axis=1).tolist() == labels[90:]


def test_tfidf_columns_are_label_ids() -> None:
    # The labels come in another order than their ids.
    texts = ["goal coach", "bank shares", "planet orbit"] * 4
    probabilities = predict_tfidf((texts, [2, 0, 1] * 4), ["bank", "orbit", "coach"], num_labels=3)
    assert probabilities.argmax(axis=1).tolist() == [0, 1, 2]


def test_tfidf_reads_word_pairs() -> None:
    # Single words are no help: each text has the same two.
    texts = ["not good", "good not"] * 10
    probabilities = predict_tfidf((texts, [0, 1] * 10), ["not good", "good not"], num_labels=2)
    assert probabilities.argmax(axis=1).tolist() == [0, 1]


@pytest.mark.parametrize("predict", [predict_characters, predict_words])
def test_script_without_spaces_is_read(predict: Callable[..., NDArray[np.float64]]) -> None:
    # Each headline is one word, which no other headline has; 球 (ball) and 股 (share) tell the labels apart.
    texts = [f"{first}{key}{last}" for key in "球股" for first in "甲乙丙丁" for last in "天地人"]
    train = (texts, [0] * 12 + [1] * 12)
    tested = ["戊球山", "戊股山"]
    assert predict(train, tested, num_labels=2).argmax(axis=1).tolist() == [0, 1]
    words = predict_tfidf(train, tested, num_labels=2)
    assert words[0].tolist() == words[1].tolist()


def test_tfidf_is_the_same_every_time(news_rows: Any) -> None:
    texts = [row["body"] for row in news_rows]
    labels = [LABELS.index(row["category"]) for row in news_rows]
    first, second = (predict_tfidf((texts, labels), texts, num_labels=3) for _ in range(2))
    assert np.array_equal(first, second)


def test_tfidf_of_unknown_words_predicts_the_largest_label() -> None:
    probabilities = predict_tfidf((["goal", "goal match", "bank"], [0, 0, 1]), ["", "xyzzy"], num_labels=2)
    assert probabilities[0].tolist() == probabilities[1].tolist()
    assert probabilities[0].argmax() == 0


def test_label_without_training_rows_has_probability_zero() -> None:
    probabilities = predict_tfidf((["goal goal", "bank bank"], [0, 2]), ["goal"], num_labels=4)
    assert probabilities[0, [1, 3]].tolist() == [0, 0]
    assert probabilities[0].argmax() == 0


@pytest.mark.parametrize("predict", [predict_tfidf, predict_words])
def test_training_texts_without_a_word_give_the_fractions(predict: Callable[..., NDArray[np.float64]]) -> None:
    assert predict((["", "?", "a"], [0, 0, 1]), ["goal"], num_labels=2)[0].tolist() == pytest.approx([2 / 3, 1 / 3])


def test_characters_need_no_word() -> None:
    assert predict_characters((["a", "b"] * 3, [0, 1] * 3), ["b", "a"], num_labels=2).argmax(axis=1).tolist() == [1, 0]
    assert predict_characters((["", " "], [0, 1]), ["a"], num_labels=2)[0].tolist() == [0.5, 0.5]


def test_svm_without_a_word_gives_the_fractions() -> None:
    # Some Chinese files have a space after every character.
    train = (["体 育", "财 经", "体 坛"], [0, 1, 0])
    assert predict_svm(train, train, ["体 育"], num_labels=2)[0].tolist() == [2 / 3, 1 / 3]


@pytest.mark.parametrize("size", [2, 3])
def test_svm_learns_the_tiny_news(size: int, news_rows: Any) -> None:
    rows = [row for row in news_rows if row["category"] in LABELS[:size]]
    texts, labels = [row["title"] for row in rows], [LABELS.index(row["category"]) for row in rows]
    train, validation = (texts[:50], labels[:50]), (texts[50:65], labels[50:65])
    probabilities = predict_svm(train, validation, texts[65:], num_labels=size)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(len(rows) - 65))
    assert probabilities.argmax(axis=1).tolist() == labels[65:]
    # It is right on validation, so its temperature makes it confident.
    assert probabilities.max(axis=1).min() > 0.9


def test_features_predict_their_labels() -> None:
    labels = np.arange(60) % 3
    features = np.eye(3)[labels] * 1000 + np.random.default_rng(1).normal(size=(60, 3))
    probabilities = predict_features(features[:45], labels[:45].tolist(), features[45:], num_labels=4)
    assert probabilities.argmax(axis=1).tolist() == labels[45:].tolist()
    assert probabilities[:, 3].tolist() == [0] * 15


def test_length_gives_the_fractions_of_similar_lengths() -> None:
    # Three in four short texts have label 0, all long ones label 1; one row is added to each cell.
    texts, labels = ["xx"] * 40 + ["x" * 90] * 40, [0, 0, 0, 1] * 10 + [1] * 40
    probabilities = predict_length((texts, labels), ["abc", "ab", "y" * 100], num_labels=2)
    assert probabilities[1].tolist() == [31 / 42, 11 / 42]
    assert probabilities[2].tolist() == [1 / 42, 41 / 42]
