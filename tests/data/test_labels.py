"""Label names are in the model's order, and each label has one spelling."""

import pytest
import yaml

from hf_newscls.data.labels import fold_label, match_truth_values, quote_text, resolve_label_names
from hf_newscls.errors import DataError
from hf_newscls.recipe.data import DataSection

NFC, NFD = "\u00c9conomie", "E\u0301conomie"


@pytest.mark.parametrize(
    "spellings",
    [
        ["Sport", "sport", " SPORT "],
        ["Sport", "Sport\u200b", "\ufeffSport", "Spo\u00adrt", "Sport\ufe0f"],
        ["Sport", "\uff33\uff50\uff4f\uff52\uff54"],
        [NFC, NFD],
        ["1", "1.0", "01", "+1.00", "\uff11"],
        ["-3", "-3.0"],
        ["World news", "World\u00a0news", "World\u3000 news"],
    ],
)
def test_spellings_of_one_label_fold_to_one_text(spellings: list[str]) -> None:
    assert len({fold_label(spelling) for spelling in spellings}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "-1"),
        ("1.1", "1.10"),
        ("1.5", "1"),
        ("1", "10"),
        ("0", "00x"),
        ("A", "\u00c1"),
        ("C", "C++"),
        ("US", "U.S."),
    ],
)
def test_different_labels_stay_different(one: str, other: str) -> None:
    assert fold_label(one) != fold_label(other)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (NFC, f'"{NFC}"'),
        (NFD, '"E\\u0301conomie"'),
        ("Sport\u200b", '"Sport\\u200B"'),
        ('A "B" ', '"A \\"B\\" "'),
        ("no", '"no"'),
        ("\U0001d412port", '"\\U0001D412port"'),
        ("word " * 60, f'"{"word " * 60}"'),
    ],
)
def test_text_is_quoted_so_that_yaml_reads_the_same(text: str, expected: str) -> None:
    assert quote_text(text) == expected
    assert yaml.safe_load(quote_text(text)) == text


@pytest.mark.parametrize(
    ("counts", "target"),
    [({NFC: 1, NFD: 9}, NFC), ({"Sport\u200b": 9, "Sport": 1}, "Sport"), ({"1.0": 5, "1": 2}, "1.0")],
)
def test_spellings_become_the_readable_one_then_the_most_frequent_one(counts: dict[str, int], target: str) -> None:
    with pytest.raises(DataError) as caught:
        resolve_label_names({**counts, "Other": 1}, expected=None, source_name="news.csv")
    assert yaml.safe_load(str(caught.value).split("`")[1]) == {"merge_labels": {target: sorted(counts)}}


def test_other_spellings_of_listed_labels_are_offered_as_merges() -> None:
    counts = {"FAKE": 2, "Fake": 1, "Real": 3, "SATIRE": 1}
    with pytest.raises(DataError, match=r"data\.labels.*'SATIRE \(1 row\)'") as caught:
        resolve_label_names(counts, expected=["FAKE", "REAL"], source_name="news.csv")
    merges = {"FAKE": ["Fake"], "REAL": ["Real"]}
    assert yaml.safe_load(str(caught.value).split("`")[1]) == {"merge_labels": merges}


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


def test_truth_value_stands_for_all_spellings_in_the_file() -> None:
    section = DataSection(source="a.csv", text=["a"], label="b", merge_labels={"REAL": ["True"], "FAKE": ["False"]})
    matched = match_truth_values(section, {"TRUE", "true", "FALSE"})
    assert matched.merge_labels == {"REAL": ["TRUE", "true"], "FAKE": ["FALSE"]}
