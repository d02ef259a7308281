"""Values that seem to stand for nothing are asked about, and cleared if the recipe lists them."""

from typing import Any

import pytest
import yaml
from datasets import Dataset

from hf_newscls.data.missing_values import clear_missing_values
from hf_newscls.errors import DataError
from hf_newscls.recipe.data import DataSection

LONG = "A text of more characters than any value that stands for nothing: nan, None, N/A"


def clear(texts: list[str | None], kinds: list[str | None], **settings: Any) -> Dataset:
    rows = Dataset.from_dict({"id": [str(index) for index in range(len(texts))], "title": texts, "kind": kinds})
    section = DataSection.model_validate({"source": "news.csv", "text": ["title"], "label": "kind", **settings})
    return clear_missing_values(rows, section, source_name="news.csv")


@pytest.mark.parametrize("value", ["nan", "NaN", "None", "NULL", "null", "N/A", "n/a", "NA", "#N/A", "<NA>", " nan\n"])
@pytest.mark.parametrize("column", ["title", "kind"])
def test_value_that_stands_for_nothing_is_refused(value: str, column: str) -> None:
    texts, labels = ["Storm", LONG, "Rain"], ["A", "B", "A"]
    (texts if column == "title" else labels)[2] = value
    with pytest.raises(DataError, match=rf"\(1 row\) in {column}'.*missing_values") as caught:
        clear(texts, labels)
    assert yaml.safe_load(str(caught.value).split("`")[1]) == {"missing_values": [value.strip()]}


@pytest.mark.parametrize("value", ["Nan wins", "Nothing", "unknown", "-", "0", "False", "", None])
def test_other_short_values_are_kept(value: str | None) -> None:
    assert clear(["Storm", value], ["A", value])["title"][:] == ["Storm", value]


def test_listed_values_are_cleared_and_others_kept() -> None:
    cleared = clear(["nan", " nan ", "NaN", LONG, None], ["A", "B", "nan", "none", "A"], missing_values=["nan", "none"])
    assert cleared["title"][:] == [None, None, "NaN", LONG, None]
    assert cleared["kind"][:] == ["A", "B", None, None, "A"]
    assert cleared["id"][:] == ["0", "1", "2", "3", "4"]


def test_empty_list_keeps_all_values() -> None:
    assert clear(["nan", "b"], ["None", "B"], missing_values=[]).to_dict() == {
        "id": ["0", "1"],
        "title": ["nan", "b"],
        "kind": ["None", "B"],
    }


@pytest.mark.parametrize("settings", [{"labels": ["none", "racism"]}, {"merge_labels": {"racism": ["none"]}}])
def test_label_that_the_recipe_names_is_kept(settings: dict[str, Any]) -> None:
    assert clear(["a", "b"], ["none", "racism"], **settings)["kind"][:] == ["none", "racism"]


def test_column_without_values_has_none_that_stand_for_nothing() -> None:
    assert clear([None, None], ["A", "B"])["title"][:] == [None, None]
