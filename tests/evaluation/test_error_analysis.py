"""Mistakes, confused pairs and parts of the test set, worked by hand."""

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hf_newscls.evaluation.error_analysis import ConfusedPair, ErrorAnalysis, analyze_errors, rank_pairs
from hf_newscls.evaluation.statistics.bootstrap import Bootstrap

# Six rows: the second and the fifth are wrong, the fifth with more confidence.
PROBABILITIES = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.7, 0.3], [0.95, 0.05], [0.3, 0.7]])
REFERENCES = np.array([0, 0, 1, 0, 1, 1])


def analyze(**changes: Any) -> ErrorAnalysis:
    values: dict[str, Any] = {
        "label_names": ["FAKE", "REAL"],
        "token_counts": np.array([3, 4, 5, 6, 40, 50]),
        "max_length": 32,
        "years": ["2021", "2020", "2020", "2021", "2020", "unknown"],
        "bootstrap": Bootstrap(resamples=50, seed=1),
    }
    return analyze_errors(PROBABILITIES, REFERENCES, **values | changes)


def test_most_confident_mistake_comes_first() -> None:
    assert analyze().mistakes.tolist() == [4, 1]


def test_each_year_is_scored() -> None:
    parts = analyze().by_year
    assert [(part.name, part.rows) for part in parts] == [("2020", 3), ("2021", 2), ("unknown", 1)]
    assert [part.scores["accuracy"] for part in parts] == pytest.approx([1 / 3, 1, 1])
    # Of 2020 one row of label 0 is wrong, and of the two of label 1 one.
    assert parts[0].scores["balanced_accuracy"] == pytest.approx(1 / 4)


def test_lengths_are_scored_and_texts_cut_off_come_last() -> None:
    parts = analyze().by_length
    assert [part.name for part in parts] == [
        "0 to 3 tokens",
        "4 tokens",
        "5 tokens",
        "6 tokens",
        "over 32 tokens, cut off",
    ]
    assert [part.rows for part in parts] == [1, 1, 1, 1, 2]
    assert [part.scores["accuracy"] for part in parts] == [1, 0, 1, 1, 0.5]


def test_parts_by_length_have_similar_sizes() -> None:
    counts = np.random.default_rng(1).permutation(np.arange(6))
    parts = analyze(token_counts=counts + 10, max_length=12).by_length
    assert sum(part.rows for part in parts) == 6
    assert parts[-1].rows == 3


def test_texts_that_are_all_too_long_are_one_part() -> None:
    assert [part.rows for part in analyze(max_length=2).by_length] == [6]


def test_rows_without_dates_have_no_years() -> None:
    assert analyze(years=None).by_year == []


def test_intervals_contain_the_scores_of_each_part() -> None:
    for part in (*analyze().by_length, *analyze().by_year):
        assert part.intervals["accuracy"].low <= part.scores["accuracy"] <= part.intervals["accuracy"].high


def test_rows_of_an_article_are_drawn_together_in_a_part() -> None:
    bootstrap = Bootstrap(resamples=50, seed=1, groups=np.array([0, 0, 1, 0, 1, 1]))
    # Two of the three rows of each article are right, so the accuracy of every draw of articles is the same.
    whole = analyze(years=["2020"] * 6, bootstrap=bootstrap).by_year[0].intervals["accuracy"]
    assert whole.low == whole.high == pytest.approx(4 / 6)


def test_part_with_one_row_of_each_label_has_a_wide_interval() -> None:
    # In three draws of four, a row of label 0 or the one of label 1 is missing.
    years = ["2021", "2020", "2020", "2021", "2021", "2021"]
    (part,) = [one for one in analyze(years=years).by_year if one.name == "2020"]
    assert part.scores["accuracy"] == 0.5
    assert part.intervals["accuracy"] == (0, 1)


@pytest.mark.parametrize("size", [2, 3])
def test_pairs_worked_by_hand(size: int) -> None:
    confusion = np.array([[5, 1, 1], [2, 6, 0], [0, 3, 0]])[:size, :size]
    expected = [ConfusedPair("C", "B", 3, 1.0), ConfusedPair("B", "A", 2, 0.25), ConfusedPair("A", "B", 1, 1 / 7)]
    expected = (
        [*expected, ConfusedPair("A", "C", 1, 1 / 7)] if size == 3 else [expected[1], ConfusedPair("A", "B", 1, 1 / 6)]
    )
    assert rank_pairs(confusion, label_names=[*"ABC"]) == expected


def test_wrong_label_is_suspicious() -> None:
    probabilities, references = _build_confident(60)
    references[7] = 1 - references[7]
    found = analyze_errors(
        probabilities,
        references,
        label_names=["A", "B"],
        token_counts=np.arange(60),
        max_length=99,
        years=None,
        bootstrap=Bootstrap(resamples=10, seed=1),
    )
    assert found.suspicious.indices.tolist() == [7]
    assert found.suspicious.suggested.tolist() == [1 - references[7]]


def test_label_without_rows_is_accepted() -> None:
    probabilities = np.hstack([PROBABILITIES * 0.9, np.full((6, 1), 0.1)])
    found = analyze_errors(
        probabilities,
        REFERENCES,
        label_names=[*"ABC"],
        token_counts=np.arange(6),
        max_length=9,
        years=None,
        bootstrap=Bootstrap(resamples=10, seed=1),
    )
    assert found.mistakes.tolist() == [4, 1]


def test_json_has_counts_of_rows() -> None:
    content = json.loads(json.dumps(analyze().to_dict(), allow_nan=False))
    assert content["mistakes"] == 2
    assert content["most_confused"][0] == {"reference": "FAKE", "prediction": "REAL", "rows": 1, "fraction": 1 / 3}
    assert [part["name"] for part in content["by_year"]] == ["2020", "2021", "unknown"]


def _build_confident(rows: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    references = np.arange(rows) % 2
    shift = np.random.default_rng(1).uniform(0, 0.1, rows)
    return np.where(np.eye(2)[references] > 0, 0.95 - shift[:, None], 0.05 + shift[:, None]), references
