"""Rows become texts with labels; rows that cannot be used are dropped and counted."""

import logging
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_newscls.data.cleaning import CleanedRows, clean_rows, join_columns
from hf_newscls.data.readers import parquet_file
from hf_newscls.data.readers.rows import read_files
from hf_newscls.errors import DataError
from hf_newscls.recipe.data import DataSection
from hf_newscls.recipe.loading import read_recipe
from tests.data.excel_files import Rows, write_xlsx
from tests.data.reading import number_rows

Row = tuple[str | None, str | None, str | None]
TWO = [("Storm", "It hit.", "REAL"), ("Moon", "It is cheese.", "FAKE")]


def clean(rows: Sequence[Row], **settings: Any) -> CleanedRows:
    """Clean rows of title, body and label; ids are a, b, c and so on."""
    titles, bodies, labels = (list(column) for column in zip(*rows, strict=True))
    ids = [chr(ord("a") + index) for index in range(len(rows))]
    dataset = Dataset.from_dict({"id": ids, "title": titles, "body": bodies, "kind": labels})
    section = DataSection.model_validate({"source": "news.csv", "text": ["title", "body"], "label": "kind", **settings})
    return clean_rows(number_rows(dataset), section, source_name="news.csv")


def find_labels(cleaned: CleanedRows) -> list[str]:
    return [cleaned.label_names[label] for label in cleaned.dataset["label"]]


@pytest.mark.parametrize(
    ("values", "separator", "expected"),
    [
        (["Storm", "It hit."], ". ", "Storm. It hit."),
        ([" Storm ", "\tIt hit.\n"], " | ", "Storm | It hit."),
        (["Storm", None], ". ", "Storm"),
        ([None, "", "  ", "It hit."], ". ", "It hit."),
        (["a", "", "b", None, "c"], "-", "a-b-c"),
        (["a", "b"], "", "ab"),
        (["two\n\nlines"], ". ", "two\n\nlines"),
        ([None, " "], ". ", ""),
        ([], ". ", ""),
    ],
)
def test_columns_are_joined_without_the_empty_ones(values: list[str | None], separator: str, expected: str) -> None:
    assert join_columns(values, separator=separator) == expected


def test_rows_get_a_text_a_label_and_an_id() -> None:
    cleaned = clean(TWO)
    assert cleaned.dataset.column_names == ["id", "text", "label"]
    assert cleaned.dataset.to_dict() == {
        "id": ["a", "b"],
        "text": ["Storm. It hit.", "Moon. It is cheese."],
        "label": [1, 0],
    }
    assert cleaned.label_names == ["FAKE", "REAL"]


def test_columns_are_joined_in_the_order_of_the_recipe() -> None:
    assert clean(TWO, text=["body", "title"], separator=" / ").dataset["text"][0] == "It hit. / Storm"


def test_rows_are_dropped_and_counted_by_reason() -> None:
    rows = [
        ("Storm hits", "coast", "REAL"),
        (None, "", "REAL"),
        ("Hi", None, "FAKE"),
        ("Moon cheese", None, "FAKE"),
        ("No label", "here", None),
        (" ", " ", ""),
        ("x", "y", "REAL"),
    ]
    cleaned = clean(rows, min_characters=5, missing_label="drop")
    assert cleaned.dropped == {"missing label": 2, "empty text": 1, "short text": 2}
    # "Hi" and "x. y" have fewer than five characters.
    assert cleaned.dataset["id"][:] == ["a", "d"]
    assert cleaned.rows_read == 7


def test_counts_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="hf_newscls")
    clean([*TWO, ("", "", "REAL"), ("", "", "REAL"), ("a", "b", " ")], missing_label="drop")
    assert caplog.messages == ["kept 2 of 5 rows: 1 missing label, 2 empty text"]


def test_no_dropped_rows_are_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="hf_newscls")
    assert clean(TWO).dropped == {"missing label": 0, "empty text": 0, "short text": 0}
    assert caplog.messages == ["kept 2 of 2 rows: none dropped"]


@pytest.mark.parametrize(
    ("minimum", "measured", "expected"),
    [
        (1, "joined", "abcdef"),
        (3, "joined", "abcdf"),
        (4, "joined", "abdf"),
        (7, "joined", "bdf"),
        (8, "joined", "df"),
        (1, "each", "abdf"),
        (2, "each", "bdf"),
        (3, "each", "df"),
    ],
)
def test_length_is_measured_joined_or_in_each_column(minimum: int, measured: str, expected: str) -> None:
    # Joined with ". " they have 6, 7, 3, 10, 1 and 12 characters.
    rows = [
        ("a", "aaa", "X"),
        ("aa", "aaa ", "X"),
        ("aaa", None, "Y"),
        ("aaa", "aaaaa", "Y"),
        (None, "a", "Y"),
        ("aaaaa", "aaaaa", "X"),
    ]
    assert clean(rows, min_characters=minimum, min_characters_in=measured).dataset["id"][:] == [*expected]


def test_rows_without_a_label_can_be_dropped() -> None:
    cleaned = clean([*TWO, ("a", "b", None)], missing_label="drop")
    assert (len(cleaned.dataset), cleaned.dropped["missing label"]) == (2, 1)


@pytest.mark.parametrize("rows", [[("", None, "REAL"), (" ", "", "FAKE")], [("ab", "", "REAL"), ("cd", "", "FAKE")]])
def test_file_without_usable_rows_is_refused(rows: list[Row]) -> None:
    with pytest.raises(DataError, match=r"news\.csv: none of 2 rows .*data.min_characters"):
        clean(rows, min_characters=3)


def test_labels_are_merged() -> None:
    rows = [("a", "b", "ARTS"), ("c", "d", "CULTURE & ARTS"), ("e", "f", "CRIME"), ("g", "h", "ARTS & CULTURE")]
    cleaned = clean(rows, merge_labels={"ARTS & CULTURE": ["ARTS", "CULTURE & ARTS"], "UNUSED": ["NOT THERE"]})
    assert cleaned.label_names == ["ARTS & CULTURE", "CRIME"]
    assert find_labels(cleaned) == ["ARTS & CULTURE", "ARTS & CULTURE", "CRIME", "ARTS & CULTURE"]


def test_merged_label_is_not_merged_again() -> None:
    cleaned = clean([("a", "b", "B"), ("c", "d", "C")], merge_labels={"A": ["B"], "B": ["C"]})
    assert find_labels(cleaned) == ["A", "B"]


def test_labels_are_sorted_unless_the_recipe_lists_them() -> None:
    rows = [("a", "b", "B"), ("c", "d", "C"), ("e", "f", "A")]
    found, listed = clean(rows), clean(rows, labels=["C", "A", "B"])
    assert (found.label_names, found.dataset["label"][:]) == (["A", "B", "C"], [1, 2, 0])
    assert (listed.label_names, listed.dataset["label"][:]) == (["C", "A", "B"], [2, 0, 1])


@pytest.mark.parametrize(
    "labels", [["1", "2", "10"], ["2", "0", "1"], ["-1", "1", "0"], ["1.1", "1.10", "1.100"], ["A", "Á", "B"]]
)
def test_similar_and_numeric_labels_stay_distinct(labels: list[str]) -> None:
    cleaned = clean([("a", "b", label) for label in labels])
    assert find_labels(cleaned) == labels
    assert cleaned.label_names == sorted(labels)


def test_labels_that_differ_only_in_case_are_refused_until_merged() -> None:
    rows = [("a", "b", "SPORTS"), ("c", "d", "Sports"), ("e", "f", "CRIME"), ("g", "h", "SPORTS")]
    with pytest.raises(DataError, match=r"SPORTS \(2 rows\) and Sports \(1 row\)") as caught:
        clean(rows)
    mapping = re.search("`merge_labels: (.+?)`", str(caught.value))
    assert mapping is not None
    cleaned = clean(rows, merge_labels=yaml.safe_load(mapping[1]))
    assert find_labels(cleaned) == ["SPORTS", "SPORTS", "CRIME", "SPORTS"]
    assert clean(rows, labels=["Sports", "SPORTS", "CRIME"]).label_names == ["Sports", "SPORTS", "CRIME"]


def test_unknown_labels_are_listed() -> None:
    with pytest.raises(DataError, match=r"data.labels .*: 'SATIRE \(2 rows\)'"):
        clean([*TWO, ("a", "b", "SATIRE"), ("c", "d", "SATIRE")], labels=["FAKE", "REAL"])


def test_listed_label_whose_rows_were_all_dropped_is_refused() -> None:
    with pytest.raises(DataError, match=r"'SATIRE'.*data\.labels"):
        clean([*TWO, ("", "", "SATIRE")], labels=["FAKE", "REAL", "SATIRE"])


@pytest.mark.parametrize("merges", [{}, {"NEWS": ["REAL", "FAKE"]}])
def test_single_label_is_refused(merges: dict[str, list[str]]) -> None:
    rows = TWO if merges else [TWO[0], TWO[0]]
    with pytest.raises(DataError, match=r"\(found: '(NEWS|REAL)'\); .*data.label"):
        clean(rows, merge_labels=merges)


def test_kept_columns_stay_with_their_rows() -> None:
    cleaned = clean([("", "", "REAL"), *TWO], keep=["title", "kind"])
    assert cleaned.dataset.column_names == ["id", "text", "label", "title", "kind"]
    assert (cleaned.dataset["title"][:], cleaned.dataset["kind"][:]) == (["Storm", "Moon"], ["REAL", "FAKE"])


optional_text = st.none() | st.sampled_from(["", " ", "a", "long enough"])


@settings(deadline=None, max_examples=40, derandomize=True)
@given(st.lists(st.tuples(optional_text, optional_text, st.sampled_from([None, "", "REAL", "FAKE"])), max_size=20))
def test_counts_add_up(rows: list[Row]) -> None:
    cleaned = clean([*TWO, *rows], missing_label="drop", min_characters=3)
    assert cleaned.rows_read == len(rows) + 2
    assert len(cleaned.dataset) + sum(cleaned.dropped.values()) == cleaned.rows_read
    assert cleaned.dropped["missing label"] == sum(not label for _, _, label in rows)
    assert all(len(text) >= 3 for text in cleaned.dataset["text"])


def test_fake_news_recipe_fits_the_real_file(real_data: Path) -> None:
    section = read_recipe("fake_news_roberta").data
    path = real_data / "fake_news" / "news_first_256.csv"
    rows = read_files(path, columns=[*section.text, section.label, *section.keep])
    cleaned = clean_rows(rows, section, source_name=str(path))
    # One article is shorter than five characters, a FAKE one.
    assert Counter(find_labels(cleaned)) == {"REAL": 133, "FAKE": 122}
    assert sum(cleaned.dropped.values()) == 1
    first = cleaned.dataset[0]
    assert first["text"].startswith(f"{first['title'].strip()}. ")


def test_news_category_recipes_fit_the_real_file(real_data: Path) -> None:
    path = real_data / "news_category" / "News_Category_Dataset_v3_16k.json"
    section = read_recipe("news_category_minilm").data
    rows = read_files(path, columns=[*section.text, section.label, *section.keep])
    cleaned = clean_rows(rows, section, source_name=str(path))
    assert len(cleaned.dataset) == 16_242
    # The 28 of version 2 and the one that version 3 brought.
    published = read_recipe("news_category_roberta").data
    assert cleaned.label_names == sorted([*(published.labels or []), "U.S. NEWS"])
    with pytest.raises(DataError, match=r"'U\.S\. NEWS \(1,377 rows\)'; .*`data.labels: null`"):
        clean_rows(rows, published, source_name=str(path))


@pytest.mark.parametrize(
    ("file", "text", "label", "rows", "labels"),
    [
        ("fake_news/titles_6335.csv", "title", "label", 6_335, 2),
        ("news_category/headlines_41x900.csv", "headline", "category", 36_900, 41),
        ("long_documents/bbc.csv", "text", "label", 2_225, 5),
        ("ag_news/train_8000.csv", "content", "label", 8_000, 4),
        ("ag_news/test_7600.csv", "content", "label", 7_600, 4),
    ],
)
def test_real_file_needs_no_decision(file: str, text: str, label: str, rows: int, labels: int, real_data: Path) -> None:
    section = DataSection(source=file, text=[text], label=label)
    cleaned = clean_rows(read_files(real_data / file, columns=[text, label]), section, source_name=file)
    assert (len(cleaned.dataset), len(cleaned.label_names)) == (rows, labels)


# Four of A, three of B, one each of C and D; C is merged into D before anything is counted.
MANY = [("Storm", "It hit.", label) for label in "AAAABBBCD"]


@pytest.mark.parametrize(
    ("settings", "kept", "dropped"),
    [
        ({"min_count": 3}, "AAAABBB", 2),
        ({"min_count": 2, "merge_labels": {"D": ["C"]}}, "AAAABBBDD", 0),
        ({"min_count": 3, "rare_labels": "OTHER"}, ["A"] * 4 + ["B"] * 3 + ["OTHER"] * 2, 0),
    ],
)
def test_rare_labels_are_dropped_or_merged(settings: dict[str, Any], kept: Sequence[str], dropped: int) -> None:
    cleaned = clean(MANY, **settings)
    assert find_labels(cleaned) == [*kept]
    assert cleaned.dropped["rare label"] == dropped
    assert cleaned.rows_read == len(cleaned.dataset) + sum(cleaned.dropped.values())


def test_file_with_only_rare_labels_is_refused() -> None:
    with pytest.raises(DataError, match=r"none of 9 rows .*data.min_count"):
        clean(MANY, min_count=5)


def test_rare_labels_are_named_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="hf_newscls"):
        clean(MANY, min_count=3)
    assert "2 of 4 labels have fewer than 3 rows: 'C', 'D'" in caplog.text
    assert "kept 7 of 9 rows: 2 rare label" in caplog.text


@pytest.mark.parametrize(
    ("settings", "key_and_value"),
    [({"rare_labels": "OTHER"}, "rare_labels is 'OTHER'"), ({"min_count": 2, "labels": ["A", "B"]}, "min_count is 2")],
)
def test_contradictory_rare_labels_are_refused(settings: dict[str, Any], key_and_value: str) -> None:
    with pytest.raises(ValueError, match=key_and_value):
        clean(MANY, **settings)


# Values that stand for nothing, cells with several labels, and truth values.


def test_missing_values_become_empty_and_their_rows_are_dropped() -> None:
    rows = [*TWO, ("nan", "Only a body.", "REAL"), ("N/A", "nan", "FAKE"), ("Rail strike", "It ends.", " nan ")]
    cleaned = clean(rows, missing_values=["nan", "N/A"], missing_label="drop", keep=["title"])
    assert cleaned.dataset["text"][2] == "Only a body."
    assert cleaned.dataset["title"][2] is None
    assert cleaned.dropped == {"missing label": 1, "empty text": 1, "short text": 0}


def test_label_that_stands_for_nothing_is_missing() -> None:
    with pytest.raises(DataError, match=r"row 3: .*'kind'.*data\.missing_label"):
        clean([*TWO, ("Rail strike", "It ends.", "nan")], missing_values=["nan"])


def test_first_of_several_labels_is_taken_before_labels_are_merged() -> None:
    rows = [*TWO, ("Rail strike", "It ends.", "SATIRE;REAL"), ("Rain", "It falls.", "FAKE;REAL")]
    cleaned = clean([*rows, ("a", "b", "SATIRE")], label_choice="first", merge_labels={"FAKE": ["SATIRE"]})
    assert find_labels(cleaned) == ["REAL", "FAKE", "FAKE", "FAKE", "FAKE"]


def test_row_with_an_empty_list_of_labels_has_no_label() -> None:
    rows = [("a", "b", "['A']"), ("c", "d", "[]"), ("e", "f", "['B', 'A']")]
    cleaned = clean(rows, label_choice="first", missing_label="drop")
    assert (find_labels(cleaned), cleaned.dropped["missing label"]) == (["A", "B"], 1)


@pytest.mark.parametrize(("yes", "no"), [("true", "false"), ("True", "False"), ("TRUE", "FALSE")])
def test_truth_values_of_the_recipe_are_found_as_the_file_writes_them(yes: str, no: str) -> None:
    rows = [("a", "b", yes), ("c", "d", no), ("e", "f", "half-true"), ("g", "h", "pants-fire")]
    settings = yaml.safe_load("{labels: [true, half-true, false], merge_labels: {false: [false, pants-fire]}}")
    cleaned = clean(rows, **settings)
    assert cleaned.label_names == [yes, "half-true", no]
    assert find_labels(cleaned) == [yes, no, "half-true", no]


def test_numbers_of_the_recipe_are_labels() -> None:
    rows = [("a", "b", "0"), ("c", "d", "1"), ("e", "f", "2")]
    assert clean(rows, labels=[1, 0, 2]).label_names == ["1", "0", "2"]
    assert find_labels(clean(rows, merge_labels={"FAKE": [1, 2], 7: [0]})) == ["7", "FAKE", "FAKE"]


# Rows without a label, named by their position in the file.


def find_unlabeled(paths: Path | Sequence[Path]) -> str:
    section = DataSection(source="news.csv", text=["title"], label="label")
    with pytest.raises(DataError) as caught:
        clean_rows(read_files(paths, columns=["title", "label"]), section, source_name="news.csv")
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "position"),
    [
        ("news.csv", 'title,label\n"two\nlines",X\n\na,\nb,Y\nc, \n', "lines 5, 7: "),
        ("news.csv", "title,label\na,\n", "line 2: "),
        (
            "news.jsonl",
            '{"title": "a", "label": "X"}\n\n{"title": "b", "label": null}\n{"title": "c"}\n',
            "lines 3, 4: ",
        ),
        ("news.json", '[{"title": "a", "label": "X"},\n{"title": "b", "label": "\\u00a0"}]', "item 1: "),
    ],
)
def test_row_without_a_label_is_refused_with_its_line(name: str, content: str, position: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    problem = find_unlabeled(tmp_path / name)
    assert problem.startswith(f"{tmp_path / name}: {position}")
    assert "column 'label'" in problem
    assert "`data.missing_label: drop`" in problem


def test_row_of_parquet_without_a_label_is_refused_with_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_file, "_BATCH_ROWS", 2)
    path = tmp_path / "news.parquet"
    pq.write_table(pa.table({"title": ["a"] * 9, "label": ["X", None, "Y", " ", "X", "", None, None, None]}), path)
    assert "rows 2, 4, 6, 7, 8, … (6 in all): " in find_unlabeled(path)


def test_row_of_excel_without_a_label_is_named_as_excel_numbers_it(tmp_path: Path) -> None:
    rows: Rows = [[], ["title", "label"], ["a", "X"], [], ["b", None], ["c", "#N/A"]]
    path = write_xlsx(tmp_path / "news.xlsx", {"News": rows})
    assert find_unlabeled(path).startswith(f"{path}: rows 5, 6: ")


def test_file_with_a_row_without_a_label_is_named(tmp_path: Path) -> None:
    for name, content in {"first.csv": "title,label\na,X\n", "more.csv": "title,label\na,X\nb,\n"}.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    assert "more.csv: line 3: " in find_unlabeled([tmp_path / "first.csv", tmp_path / "more.csv"])
