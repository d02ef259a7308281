"""Label names in the model's order, and labels that are refused."""

import pytest
import yaml

from hf_newscls.data.labels import resolve_label_names
from hf_newscls.errors import DataError


def test_labels_found_are_sorted_by_code_point() -> None:
    counts = {"b": 1, "É": 1, "A": 1, "10": 1, "9": 1, "ab": 1}
    assert resolve_label_names(counts, expected=None, source_name="news.csv") == ["10", "9", "A", "ab", "b", "É"]


@pytest.mark.parametrize(
    ("counts", "found", "mapping"),
    [
        (
            {"SPORTS": 9, "Sports": 3, "ARTS": 1},
            "'SPORTS (9 rows) and Sports (3 rows)'",
            {"SPORTS": ["SPORTS", "Sports"]},
        ),
        ({"SPORTS": 2, "Sports": 3}, "'SPORTS (2 rows) and Sports (3 rows)'", {"Sports": ["SPORTS", "Sports"]}),
        (
            {"U.S. NEWS": 1, "U.S.  NEWS": 1, "U.S.\u00a0NEWS": 1},
            "'U.S.  NEWS (1 row) and U.S. NEWS (1 row) and ",
            {"U.S.  NEWS": ["U.S.  NEWS", "U.S. NEWS", "U.S.\u00a0NEWS"]},
        ),
        ({"STRASSE": 1, "Straße": 2}, "'STRASSE (1 row) and Straße (2 rows)'", {"Straße": ["STRASSE", "Straße"]}),
    ],
)
def test_spellings_of_one_label_are_refused_with_the_mapping(
    counts: dict[str, int], found: str, mapping: dict[str, list[str]]
) -> None:
    with pytest.raises(DataError, match=r"data\.labels") as caught:
        resolve_label_names(counts, expected=None, source_name="news.csv")
    assert found in str(caught.value)
    assert yaml.safe_load(str(caught.value).split("`")[1]) == {"merge_labels": mapping}
    assert resolve_label_names(counts, expected=[*counts], source_name="news.csv") == [*counts]


def test_many_spellings_are_cut_short_but_not_the_mapping() -> None:
    counts = {name: 1 for index in range(9) for name in (f"L{index}", f"l{index}")}
    with pytest.raises(DataError, match=r"… \(9 in all\); add") as caught:
        resolve_label_names(counts, expected=None, source_name="news.csv")
    assert len(yaml.safe_load(str(caught.value).split("`")[1])["merge_labels"]) == 9


def test_listed_labels_keep_their_order() -> None:
    counts = {"REAL": 3, "FAKE": 2}
    names = resolve_label_names(counts, expected=("REAL", "FAKE"), source_name="news.csv")
    assert names == ["REAL", "FAKE"]
    assert isinstance(names, list)


@pytest.mark.parametrize(("counts", "found"), [({}, "found: none"), ({"REAL": 9}, "found: 'REAL'")])
@pytest.mark.parametrize("expected", [None, ["FAKE", "REAL"]])
def test_fewer_than_two_labels_are_refused(counts: dict[str, int], found: str, expected: list[str] | None) -> None:
    with pytest.raises(DataError, match=r"news\.csv: .*data.label") as caught:
        resolve_label_names(counts, expected=expected, source_name="news.csv")
    assert found in str(caught.value)


def test_unknown_labels_are_listed_with_their_counts() -> None:
    counts = {"REAL": 3, "FAKE": 2, "SATIRE": 7, "BIAS": 1}
    with pytest.raises(DataError, match=r"data.labels .*'BIAS \(1 row\)', 'SATIRE \(7 rows\)';"):
        resolve_label_names(counts, expected=["FAKE", "REAL"], source_name="news.csv")


def test_many_unknown_labels_are_cut_short() -> None:
    counts = {f"L{index:02}": 1 for index in range(12)}
    with pytest.raises(DataError, match=r"'L04 \(1 row\)', … \(12 in all\)"):
        resolve_label_names(counts, expected=["FAKE", "REAL"], source_name="news.csv")


def test_listed_labels_without_rows_are_refused() -> None:
    with pytest.raises(DataError, match=r"'SATIRE'.*data\.labels"):
        resolve_label_names({"REAL": 3, "FAKE": 2}, expected=["FAKE", "REAL", "SATIRE"], source_name="news.csv")
