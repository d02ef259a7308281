"""Groups of rows are counted, and examples are chosen."""

from collections.abc import Sequence

import numpy as np
from datasets import ClassLabel, Dataset

from hf_newscls.data.duplicates import find_repeated
from hf_newscls.overview.examples import show_rows, summarize_groups


def build_rows(texts: Sequence[str], labels: Sequence[int]) -> Dataset:
    """Rows with the ids r0, r1 and so on, and the labels A, B, C."""
    content = {"id": [f"r{index}" for index in range(len(texts))], "text": [*texts], "label": [*labels]}
    return Dataset.from_dict(content).cast_column("label", ClassLabel(names=["A", "B", "C"]))


def test_rows_of_groups_are_counted() -> None:
    groups = np.array([0, 1, 0, 3, 1, 0])
    rows = build_rows(["x", "y", "x", "z", "y", "x"], [0, 0, 0, 0, 1, 1])
    summary = summarize_groups(rows, groups, find_repeated(groups), kinds=np.zeros(6, dtype=np.int64))
    assert (summary.groups, summary.rows, summary.extra, summary.largest) == (2, 5, 3, 3)


def test_without_groups_all_counts_are_zero() -> None:
    groups = np.arange(3)
    summary = summarize_groups(build_rows("xyz", [0, 1, 2]), groups, find_repeated(groups), kinds=groups)
    assert (summary.groups, summary.rows, summary.extra, summary.largest) == (0, 0, 0, 0)
    assert summary.examples == []


def test_largest_group_is_the_first_example() -> None:
    groups = np.array([0, 0, 2, 2, 2, 5, 5])
    summary = summarize_groups(build_rows("aabbbcc", [0] * 7), groups, find_repeated(groups), kinds=groups)
    assert [group.rows for group in summary.examples] == [3, 2, 2]
    assert [[row.id for row in group.shown] for group in summary.examples] == [
        ["r2", "r3", "r4"],
        ["r0", "r1"],
        ["r5", "r6"],
    ]


def test_example_shows_one_row_of_each_kind_first() -> None:
    groups, labels = np.zeros(5, dtype=np.int64), np.array([0, 0, 0, 2, 1])
    (group,) = summarize_groups(build_rows("xxxxx", labels), groups, np.array([0]), kinds=labels).examples
    assert group.rows == 5
    assert [(row.id, row.label) for row in group.shown] == [("r0", "A"), ("r3", "C"), ("r4", "B")]


def test_at_most_ten_groups_are_examples() -> None:
    groups = np.arange(30) // 2 * 2
    summary = summarize_groups(build_rows(["x"] * 30, [0] * 30), groups, find_repeated(groups), kinds=groups)
    assert summary.groups == 15
    assert len(summary.examples) == 10


def test_rows_are_shown_in_the_given_order() -> None:
    shown = show_rows(build_rows(["one", "two", "three"], [2, 1, 0]), [2, 0])
    assert [(row.id, row.label, row.text) for row in shown] == [("r2", "A", "three"), ("r0", "C", "one")]
