"""Turn probabilities into a table of answers, one row for each text.

Shape letters: N texts, L labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hf_newscls.errors import InputError, format_examples

PROBABILITY = "probability of "
"""Prefix of the columns with the probability of each label; the label name follows."""


@dataclass(frozen=True)
class AnswerForm:
    """Which columns answers have, and which answers are left empty."""

    top_k: int = 1  # labels of a text
    probabilities: bool = False  # whether each label has a column
    min_confidence: float = 0.0  # all answers to a text are empty if the most probable one is below
    answers_empty_texts: bool = False  # whether a text without a word gets the model's answer, instead of an empty one

    def __post_init__(self) -> None:
        """Refuse a form that contradicts itself.

        Raises:
            InputError: several labels and all probabilities are wanted, or a number is out of range.
        """
        if self.top_k < 1:
            raise InputError(f"top_k is {self.top_k}, but must be at least 1")
        if not 0 <= self.min_confidence <= 1:
            raise InputError(f"min_confidence is {self.min_confidence}, but is a probability, from 0 to 1")
        if self.top_k > 1 and self.probabilities:
            raise InputError(
                f"top_k is {self.top_k}, but probabilities gives all labels; remove one of the two options"
            )

    def name_columns(self, label_names: Sequence[str]) -> list[str]:
        """Return the names of the columns of the answers.

        >>> AnswerForm(top_k=2).name_columns(["FAKE", "REAL"])
        ['prediction', 'probability', 'prediction_2', 'probability_2']
        >>> AnswerForm(probabilities=True).name_columns(["FAKE", "REAL"])
        ['prediction', 'probability of FAKE', 'probability of REAL']
        """
        if self.probabilities:
            return ["prediction", *(PROBABILITY + name for name in label_names)]
        ends = ["", *(f"_{rank}" for rank in range(2, min(self.top_k, len(label_names)) + 1))]
        return [name + end for end in ends for name in ("prediction", "probability")]


@dataclass(frozen=True)
class Answers:
    """The answers to N texts."""

    table: pa.Table  # with the columns of `AnswerForm.name_columns`
    empty: int  # texts without a word
    unsure: int  # answers below the lowest confidence


def check_kept(kept: Sequence[str], form: AnswerForm, label_names: Sequence[str]) -> None:
    """Refuse kept columns with the names of answers.

    Raises:
        InputError: names them.
    """
    if clash := {*kept} & {*form.name_columns(label_names)}:
        raise InputError(
            f"the answers have columns of these names too: {format_examples(sorted(clash))}; rename them in the data, "
            "or leave them out of --keep and --id"
        )


def build_answers(
    probabilities: NDArray[np.float32], texts: Sequence[str], label_names: Sequence[str], form: AnswerForm
) -> Answers:
    """Return the answers to N texts, given the probability of each label, shape (N, L), in the order of the texts.

    The labels of a text are ordered by probability, equal ones by label id. An empty answer is null. An empty text has
    no probabilities either; answers below the lowest confidence keep them. A text is empty too if its probabilities
    are not numbers; where no answer may be empty, all labels are then equally probable.

    >>> found = build_answers(np.float32([[0.9, 0.1], [0.4, 0.6]]), ["a", ""], ["FAKE", "REAL"], AnswerForm())
    >>> found.table["prediction"].to_pylist(), found.empty
    (['FAKE', None], 1)
    """
    is_unread = np.isnan(probabilities[:, 0])
    probabilities = np.where(is_unread[:, None], np.float32(1 / len(label_names)), probabilities)
    is_empty = np.array([not text for text in texts], dtype=bool) | is_unread
    has_no_answer = is_empty & (not form.answers_empty_texts)
    order = np.argsort(-probabilities, axis=1, kind="stable")
    best = probabilities.max(axis=1, initial=0.0)
    is_unsure = ~has_no_answer & (best < form.min_confidence)
    names = np.asarray(label_names, dtype=object)
    columns: list[Any] = []
    if form.probabilities:
        columns.append(_build(names[order[:, 0]], has_no_answer | is_unsure))
        columns += [_build(probabilities[:, label], has_no_answer) for label in range(len(names))]
    for rank in range(0 if form.probabilities else min(form.top_k, len(names))):
        labels = order[:, rank]
        columns.append(_build(names[labels], has_no_answer | is_unsure))
        columns.append(_build(probabilities[np.arange(len(labels)), labels], has_no_answer))
    table = pa.table(columns, names=form.name_columns(label_names))
    return Answers(table, empty=int(is_empty.sum()), unsure=int(is_unsure.sum()))


def _build(values: NDArray[Any], is_null: NDArray[np.bool_]) -> pa.Array:
    kind = pa.float32() if values.dtype == np.float32 else pa.string()
    return pa.array(values, kind, mask=is_null)
