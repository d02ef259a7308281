"""Answers are the labels and probabilities of a row, and null where there is no answer."""

from typing import Any

import numpy as np
import pytest

from hf_newscls.errors import InputError
from hf_newscls.inference.answers import AnswerForm, build_answers

LABELS = ["BUSINESS", "SCIENCE", "SPORTS"]
PROBABILITIES = np.array([[0.25, 0.5, 0.25], [0.7, 0.1, 0.2], [0.1, 0.1, 0.8]], dtype=np.float32)
TEXTS = ["first", "second", ""]


def answer(**form: object) -> dict[str, list[object]]:
    return build_answers(PROBABILITIES, TEXTS, LABELS, AnswerForm(**form)).table.to_pydict()  # type: ignore[arg-type]


def test_labels_are_ordered_by_probability_and_equal_ones_by_id() -> None:
    found = answer(top_k=3)
    assert found["prediction"] == ["SCIENCE", "BUSINESS", None]
    assert found["prediction_2"] == ["BUSINESS", "SPORTS", None]
    assert found["prediction_3"] == ["SPORTS", "SCIENCE", None]
    assert found["probability"] == [0.5, pytest.approx(0.7), None]
    assert found["probability_2"] == [0.25, pytest.approx(0.2), None]


def test_more_labels_than_there_are_are_not_given() -> None:
    assert [*answer(top_k=9)][-1] == "probability_3"


def test_every_label_can_have_a_column() -> None:
    found = answer(probabilities=True)
    assert [*found] == ["prediction", *(f"probability of {label}" for label in LABELS)]
    assert found["probability of SPORTS"] == [0.25, pytest.approx(0.2), None]


def test_unsure_answers_are_empty_and_counted() -> None:
    answers = build_answers(PROBABILITIES, TEXTS, LABELS, AnswerForm(top_k=2, min_confidence=0.6))
    assert (answers.empty, answers.unsure) == (1, 1)
    assert answers.table["prediction"].to_pylist() == [None, "BUSINESS", None]
    assert answers.table["prediction_2"].to_pylist() == [None, "SPORTS", None]
    assert answers.table["probability"].to_pylist() == [0.5, pytest.approx(0.7), None]


def test_empty_text_gets_an_answer_where_no_row_may_be_empty() -> None:
    answers = build_answers(PROBABILITIES, TEXTS, LABELS, AnswerForm(answers_empty_texts=True))
    assert answers.table["prediction"].to_pylist() == ["SCIENCE", "BUSINESS", "SPORTS"]
    assert answers.empty == 1


def test_text_that_the_model_cannot_read_is_empty() -> None:
    unread = np.full((3, 3), np.nan, dtype=np.float32)
    answers = build_answers(unread, TEXTS, LABELS, AnswerForm(min_confidence=0.6))
    assert (answers.empty, answers.unsure) == (3, 0)
    assert answers.table.to_pydict() == {"prediction": [None] * 3, "probability": [None] * 3}
    filled = build_answers(unread, TEXTS, LABELS, AnswerForm(probabilities=True, answers_empty_texts=True)).table
    assert filled["probability of SPORTS"].to_pylist() == pytest.approx([1 / 3] * 3)


def test_no_texts_give_a_table_without_rows() -> None:
    answers = build_answers(PROBABILITIES[:0], [], LABELS, AnswerForm(top_k=2))
    assert answers.table.num_rows == answers.empty == answers.unsure == 0
    assert answers.table.schema == build_answers(PROBABILITIES, TEXTS, LABELS, AnswerForm(top_k=2)).table.schema


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"top_k": 0}, "top_k"),
        ({"top_k": 2, "probabilities": True}, "top_k"),
        ({"min_confidence": -0.1}, "min_confidence"),
        ({"min_confidence": 1.5}, "1.5"),
    ],
)
def test_wrong_form_is_refused(options: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        AnswerForm(**options)
