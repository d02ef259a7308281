"""Merging label names and putting them in the model's order."""

import pytest

from hf_newscls.errors import DataError
from hf_newscls.labels import invert_merges, resolve_label_names


@pytest.mark.parametrize(
    ("merges", "expected"),
    [
        ({}, {}),
        ({"NEWS": []}, {}),
        ({"ARTS": ["ARTS", "CULTURE"]}, {"ARTS": "ARTS", "CULTURE": "ARTS"}),
        ({"A": ["b"], "C": ["d", "e"]}, {"b": "A", "d": "C", "e": "C"}),
        # Merging is one step: what B becomes does not pass on to A.
        ({"A": ["B"], "B": ["C"]}, {"B": "A", "C": "B"}),
    ],
)
def test_merges_are_inverted(merges: dict[str, list[str]], expected: dict[str, str]) -> None:
    assert invert_merges(merges) == expected


def test_labels_found_are_sorted_by_code_point() -> None:
    counts = {"b": 1, "É": 1, "A": 1, "10": 1, "9": 1, "a": 1}
    assert resolve_label_names(counts, expected=None, where="news.csv") == ["10", "9", "A", "a", "b", "É"]


def test_listed_labels_keep_their_order() -> None:
    counts = {"REAL": 3, "FAKE": 2}
    names = resolve_label_names(counts, expected=("REAL", "FAKE"), where="news.csv")
    assert names == ["REAL", "FAKE"]
    assert isinstance(names, list)


@pytest.mark.parametrize(("counts", "found"), [({}, "found ;"), ({"REAL": 9}, "found 'REAL';")])
@pytest.mark.parametrize("expected", [None, ["FAKE", "REAL"]])
def test_fewer_than_two_labels_are_refused(counts: dict[str, int], found: str, expected: list[str] | None) -> None:
    with pytest.raises(DataError, match=r"news\.csv: must hold at least two labels") as caught:
        resolve_label_names(counts, expected=expected, where="news.csv")
    assert found in str(caught.value)


def test_unknown_labels_are_listed_with_their_counts() -> None:
    counts = {"REAL": 3, "FAKE": 2, "SATIRE": 7, "BIAS": 1}
    with pytest.raises(DataError, match=r"'BIAS \(1 rows\)', 'SATIRE \(7 rows\)'; add them there"):
        resolve_label_names(counts, expected=["FAKE", "REAL"], where="news.csv")


def test_many_unknown_labels_are_cut_short() -> None:
    counts = {f"L{place:02}": 1 for place in range(12)}
    with pytest.raises(DataError, match=r"'L09 \(1 rows\)', … \(12 in all\)"):
        resolve_label_names(counts, expected=["FAKE", "REAL"], where="news.csv")


def test_listed_labels_without_rows_are_refused() -> None:
    with pytest.raises(DataError, match="found none of 'SATIRE'; remove them there"):
        resolve_label_names({"REAL": 3, "FAKE": 2}, expected=["FAKE", "REAL", "SATIRE"], where="news.csv")
