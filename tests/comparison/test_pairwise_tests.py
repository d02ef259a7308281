"""Pairs of models on the same rows, tested by the metric they are ranked by."""

from dataclasses import replace

import numpy as np
import pytest

from hf_newscls.comparison.pairwise_tests import compare_pairs, has_same_answers, has_same_rows, measure_interval
from hf_newscls.evaluation.statistics.bootstrap import Bootstrap, compute_intervals, resample_scores
from hf_newscls.report.predictions import PublishedPredictions
from tests.comparison.board_parts import answer, hash_number


def turn_labels(predictions: PublishedPredictions) -> PublishedPredictions:
    """Return the same answers with the labels in reverse order."""
    return replace(
        predictions,
        label_names=[*predictions.label_names][::-1],
        references=1 - predictions.references,
        probabilities=predictions.probabilities[:, ::-1],
    )


def test_order_of_the_labels_does_not_matter_for_the_rows() -> None:
    assert has_same_rows(answer(10), turn_labels(answer(3)))


@pytest.mark.parametrize("other", [answer(10, rows=19), answer(10, first=1), answer(10, labels=("FAKE", "TRUE"))])
def test_other_rows_or_labels_are_found(other: PublishedPredictions) -> None:
    assert not has_same_rows(answer(10), other)


@pytest.mark.parametrize("metric", ["accuracy", "f1_macro", "f1_weighted", "top_1_accuracy", "log_loss"])
def test_equal_answers_are_tied_whatever_the_order_of_their_labels(metric: str) -> None:
    # One row has another probability but the same answer: a copy would not be a pair.
    other = answer(15)
    other.probabilities[0] = [0.8, 0.2] if other.references[0] == 0 else [0.2, 0.8]
    (pair,) = compare_pairs({"a": answer(15), "b": turn_labels(other)}, metric=metric)
    assert pair.verdict == "tied"
    assert pair.gain == (0.0 if metric != "log_loss" else pytest.approx((np.log(0.9) - np.log(0.8)) / 20, abs=1e-6))


@pytest.mark.parametrize("metric", ["accuracy", "f1_macro", "f1_weighted", "top_1_accuracy", "log_loss"])
def test_clear_difference_is_found_by_every_metric(metric: str) -> None:
    (pair,) = compare_pairs({"a": answer(20), "b": turn_labels(answer(6))}, metric=metric)
    assert pair.gain > 0
    assert pair.verdict == "ahead"


def test_copies_of_a_text_count_once_in_the_test_of_accuracies() -> None:
    # On 8 texts, a is right on 6 that b gets wrong: p = 2 / 2**6. As six copies of one text, they say nothing.
    first, second = answer(8, rows=8), answer(2, rows=8)
    (pair,) = compare_pairs({"a": first, "b": second}, metric="accuracy")
    assert pair.p_value == pytest.approx(2 / 2**6)
    copies = [*first.rows[:2], *[first.rows[2]] * 6]
    answers = {"a": replace(first, rows=copies), "b": replace(second, rows=copies)}
    (pair,) = compare_pairs(answers, metric="accuracy")
    assert (pair.gain, pair.p_value) == (0.75, 1.0)
    # a is right on 20 copies of one text, b on 10 other texts: the rows are for a, the texts for b.
    numbers = [0] * 20 + [*range(1, 11)]
    copies = [hash_number(number) for number in numbers]
    right = np.array(numbers) == 0
    references = np.zeros(30, dtype=np.int64)
    answers = {
        name: PublishedPredictions(copies, ["FAKE", "REAL"], references, np.stack([hits, ~hits], axis=1) * 0.8 + 0.1)
        for name, hits in {"a": right, "b": ~right}.items()
    }
    (pair,) = compare_pairs(answers, metric="accuracy")
    assert pair.gain > 0
    assert pair.verdict == "tied"


def test_label_with_one_row_puts_no_model_ahead() -> None:
    first, references = answer(20, labels=("A", "B", "C")), np.array([0, 1] * 9 + [0, 2])
    right = np.eye(3)[references] * 0.8 + 0.05
    wrong = right.copy()
    wrong[-1] = [0.8, 0.05, 0.05]
    answers = {
        name: replace(first, references=references, probabilities=values)
        for name, values in {"a": right, "b": wrong}.items()
    }
    (pair,) = compare_pairs(answers, metric="f1_macro")
    assert pair.gain > 0.3
    assert pair.verdict == "tied"


def test_accuracy_uses_mcnemar_and_f1_the_bootstrap() -> None:
    answers = {"a": answer(20), "b": answer(12)}
    (accuracy,) = compare_pairs(answers, metric="accuracy")
    (f1,) = compare_pairs(answers, metric="f1_macro")
    assert accuracy.test == "exact McNemar test"
    assert accuracy.p_value == pytest.approx(2 / 2**8)
    assert f1.test == "paired bootstrap of 1,000"
    assert f1.p_value == pytest.approx(2 / 1001)


def test_score_without_draws_has_no_pairs() -> None:
    assert compare_pairs({"a": answer(20), "b": answer(6)}, metric="calibration_error") == []
    assert measure_interval(answer(20), "calibration_error") is None


@pytest.mark.parametrize("answers", [{}, {"a": answer(3)}])
@pytest.mark.parametrize("metric", ["accuracy", "f1_macro"])
def test_one_model_has_no_pairs(answers: dict[str, PublishedPredictions], metric: str) -> None:
    assert compare_pairs(answers, metric=metric) == []


@pytest.mark.parametrize("metric", ["accuracy", "f1_macro", "f1_weighted", "log_loss", "mcc"])
def test_intervals_are_those_of_a_report(metric: str) -> None:
    given = answer(14)
    expected = compute_intervals(resample_scores(given.probabilities, given.references, Bootstrap(1000, seed=0)))[
        metric
    ]
    found = measure_interval(given, metric)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.02)


def test_labels_in_another_order_are_the_same_answers() -> None:
    assert has_same_answers(answer(14), turn_labels(answer(14)))
    assert not has_same_answers(answer(14), answer(13))


@pytest.mark.parametrize("metric", ["accuracy", "f1_macro"])
def test_copies_do_not_make_tests_harder_to_pass(metric: str) -> None:
    single = compare_pairs({"good": answer(18), "bad": answer(8)}, metric=metric)
    copied = compare_pairs({"good": answer(18), "again": answer(18), "bad": answer(8)}, metric=metric)
    assert [(pair.first, pair.second) for pair in copied] == [("good", "bad"), ("again", "bad")]
    # One test: its p-value is not corrected, however many copies a model has.
    assert [pair.test for pair in copied] == [single[0].test] * 2
    assert [pair.adjusted_p_value for pair in copied] == pytest.approx([single[0].p_value] * 2)


def test_reruns_with_the_same_answers_are_one_hypothesis() -> None:
    answers = {"a": answer(20), "b": answer(13), "c": turn_labels(answer(13)), "d": answer(5)}
    pairs = compare_pairs(answers, metric="accuracy")
    # Three tests: a and b differ on 7 rows, b and d on 8, a and d on 15. Holm multiplies by 1, 2 and 3.
    adjusted = {pair.first + pair.second: pair.adjusted_p_value for pair in pairs}
    ab, bd, ad = 2 / 2**7, 2 * 2 / 2**8, 3 * 2 / 2**15
    assert adjusted == pytest.approx({"ab": ab, "ac": ab, "ad": ad, "bd": bd, "cd": bd})
