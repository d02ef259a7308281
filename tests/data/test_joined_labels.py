"""Cells with several labels are found by evidence, and refused until the recipe chooses."""

import logging
from typing import Any

import pytest

from hf_newscls.data.joined_labels import choose_labels, find_joined_labels
from hf_newscls.errors import DataError
from hf_newscls.recipe.data import DataSection


def choose(found: list[str], **settings: Any) -> list[str]:
    section = DataSection.model_validate({"source": "news.csv", "text": ["title"], "label": "tags", **settings})
    return choose_labels(found, section, source_name="news.csv")


@pytest.mark.parametrize("separator", [";", "; ", " | ", ",", "/", "\n", "\u3001", "\uff1b"])
def test_label_is_joined_if_its_parts_are_labels_of_other_rows(separator: str) -> None:
    joined = separator.join(["Weather", "sport"])
    assert find_joined_labels([joined, "weather", "sport"]) == {joined: ["Weather", "sport"]}


@pytest.mark.parametrize(
    "labels",
    [
        ["CULTURE & ARTS", "ARTS", "CULTURE", "U.S. NEWS", "HOME & LIVING"],
        ["Business/Economy", "Business", "Sci/Tech", "World"],
        ["science, technology", "science", "food, drink"],
        ["world|europe", "world|asia", "world"],
        ["[Video]", "[Photo] Sport", "weather"],
        [";", "a;", "b"],
        [],
    ],
)
def test_single_labels_are_not_joined(labels: list[str]) -> None:
    assert find_joined_labels(labels) == {}


def test_separator_that_joins_once_joins_all_labels() -> None:
    labels = ["weather;sport", "weather", "sport", "arts;music;", "Business/Economy", "sport; arts/music"]
    assert find_joined_labels(labels) == {
        "weather;sport": ["weather", "sport"],
        "arts;music;": ["arts", "music"],
        "sport; arts/music": ["sport", "arts/music"],
    }


@pytest.mark.parametrize(
    ("label", "parts"),
    [
        ("['weather']", ["weather"]),
        ("['weather', \"it's\"]", ["weather", "it's"]),
        ('["weather", "\\u00c9conomie"]', ["weather", "\u00c9conomie"]),
        ("['weather' 'sport']", ["weather", "sport"]),
        ("[1, 2]", ["1", "2"]),
        ("[]", []),
        ("[" * 100_000 + "]", None),
    ],
)
def test_list_written_as_text_is_joined(label: str, parts: list[str] | None) -> None:
    assert find_joined_labels([label, "other"]) == ({} if parts is None else {label: parts})


def test_joined_labels_are_refused_with_their_rows() -> None:
    with pytest.raises(DataError, match=r"'tags'.* 3 of 6 rows: 'b;a \(2 rows\)', 'a;b \(1 row\)'.*data\.label_choice"):
        choose(["a;b", "b;a", "b;a", "a", "b", ""])


@pytest.mark.parametrize("choice", ["refuse", "first"])
def test_list_of_one_label_is_that_label(choice: str) -> None:
    assert choose(["['a']", '["b"]', "[]", "a"], label_choice=choice) == ["a", "b", "", "a"]


def test_first_label_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="hf_newscls")
    assert choose(["a;b", " b ; a", "a", "", "[]", "b"], label_choice="first") == ["a", "b", "a", "", "", "b"]
    assert "2 of 6 rows" in caplog.text


@pytest.mark.parametrize(
    "settings", [{"labels": ["a", "b", "a;b"]}, {"merge_labels": {"both": ["a;b"]}}, {"merge_labels": {"a;b": ["c"]}}]
)
@pytest.mark.parametrize("choice", ["refuse", "first"])
def test_label_that_the_recipe_names_is_one_label(settings: dict[str, Any], choice: str) -> None:
    assert choose(["a;b", "a", "b"], label_choice=choice, **settings) == ["a;b", "a", "b"]


def test_named_labels_are_evidence_for_others() -> None:
    with pytest.raises(DataError, match="'a;b "):
        choose(["a;b", "a", "b"], labels=["a", "b"])


def test_numbers_in_a_list_stay_as_they_are_written() -> None:
    digits = "1" * 5000  # more than Python turns into a number
    assert find_joined_labels([f"[{digits}]", "[1.10]"]) == {f"[{digits}]": [digits], "[1.10]": ["1.10"]}
