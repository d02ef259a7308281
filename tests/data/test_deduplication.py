"""Duplicates and conflicting labels are handled as the recipe says, and every row is accounted for."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_newscls.data.cleaning import CleanedRows
from hf_newscls.data.deduplication import DeduplicatedRows, resolve_duplicates
from hf_newscls.recipe.data import DataSection
from tests.data.test_splitting import build_dataset

LONG = "the council of the harbour town votes on the new bridge after a long night of talks"
#        0            1            2             3              4            5            6
ROWS = [
    ("Rain", "A"),
    (LONG, "A"),
    ("Snow", "B"),
    (LONG + "!", "A"),
    ("rain", "B"),
    ("Rain ", "A"),
    (LONG.upper(), "A"),
]


def resolve(rows: Sequence[tuple[str, str]], **section: object) -> DeduplicatedRows:
    cleaned = CleanedRows(build_dataset(rows, names=["A", "B"]), rows_read=len(rows) + 3, dropped={"empty text": 3})
    return resolve_duplicates(cleaned, DataSection(source="news.csv", text=["text"], label="label", **section))


def list_ids(resolved: DeduplicatedRows) -> list[str]:
    return resolved.cleaned.dataset["id"][:]


def test_duplicates_are_counted() -> None:
    counts = resolve(ROWS).counts
    assert (counts.groups, counts.rows, counts.largest) == (2, 6, 3)
    assert (counts.exact, counts.near) == (3, 1)  # rain, Rain and the upper case; the exclamation mark
    assert (counts.conflicting_texts, counts.conflicting_rows) == (1, 3)


def test_groups_are_kept_together_by_default() -> None:
    resolved = resolve(ROWS)
    assert list_ids(resolved) == ["0", "1", "2", "3", "4", "5", "6"]
    assert resolved.groups.tolist() == resolved.bound_groups.tolist() == [0, 1, 2, 1, 0, 0, 1]


def test_first_row_of_a_group_stays_if_duplicates_are_dropped() -> None:
    resolved = resolve(ROWS, duplicates="drop")
    assert list_ids(resolved) == ["0", "1", "2"]
    assert resolved.cleaned.dropped == {"empty text": 3, "duplicate": 4}


def test_kept_duplicates_are_not_bound_to_one_split() -> None:
    resolved = resolve(ROWS, duplicates="keep")
    assert resolved.groups.tolist() == [0, 1, 2, 1, 0, 0, 1]
    assert resolved.bound_groups.tolist() == [*range(7)]


def test_conflicting_labels_are_dropped_with_all_their_rows() -> None:
    resolved = resolve(ROWS, conflicting_labels="drop", duplicates="drop")
    assert list_ids(resolved) == ["1", "2"]
    assert resolved.cleaned.dropped == {"empty text": 3, "conflicting labels": 3, "duplicate": 2}


def test_similar_texts_count_only_if_the_recipe_wants_it() -> None:
    counts = resolve(ROWS, near_duplicates=None).counts
    assert (counts.groups, counts.rows, counts.exact, counts.near) == (2, 5, 3, 0)


@settings(deadline=None, max_examples=50, derandomize=True)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["a b", "A  B", "c", LONG, LONG + "?"]), st.sampled_from("AB")), min_size=1
    ),
    duplicates=st.sampled_from(["group", "drop", "keep"]),
    conflicting_labels=st.sampled_from(["keep", "drop"]),
)
def test_every_row_is_kept_or_dropped_for_a_reason(
    rows: list[tuple[str, str]], duplicates: str, conflicting_labels: str
) -> None:
    resolved = resolve(rows, duplicates=duplicates, conflicting_labels=conflicting_labels)
    kept, dropped = len(resolved.cleaned.dataset), sum(resolved.cleaned.dropped.values())
    assert kept + dropped == resolved.cleaned.rows_read
    assert len(resolved.groups) == kept


@pytest.mark.parametrize(
    ("duplicates", "outcome"),
    [
        ("group", "each will be in the same split as that row"),
        ("drop", "each is dropped"),
        ("keep", "each can be in another split than that row"),
    ],
)
def test_log_says_what_becomes_of_duplicates(duplicates: str, outcome: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="hf_newscls")
    resolve(ROWS, duplicates=duplicates)
    (line,) = caplog.messages
    assert line.startswith("4 rows are duplicates of an earlier row (3 exact, 1 near); ")
    assert outcome in line
    assert line.endswith("; 3 of 7 rows are left") == (duplicates == "drop")


@pytest.mark.parametrize("duplicates", ["group", "drop"])
def test_rows_without_duplicates_are_unchanged(duplicates: str) -> None:
    resolved = resolve([("Rain", "A"), ("Snow", "B")], duplicates=duplicates)
    assert list_ids(resolved) == ["0", "1"]
    assert (resolved.counts.groups, resolved.counts.largest) == (0, 1)
