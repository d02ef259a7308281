"""The text of a row is built as in training, from what a recipe or a model's config says."""

import pyarrow as pa
import pytest

from hf_newscls.data.text_columns import TextColumns, build_text_columns, parse_text_columns
from hf_newscls.errors import ModelError
from hf_newscls.recipe.data import DataSection


def test_text_is_that_of_cleaning() -> None:
    section = DataSection(
        source="news.csv", text=["title", "body"], separator=" | ", label="label", missing_values=["nan", "N/A"]
    )
    columns = build_text_columns(section)
    table = pa.table({"body": ["two towns ", "nan", None], "title": [" storm", "N/A", "rain"]})
    assert columns.join(table) == ["storm | two towns", "", "rain"]


def test_config_gives_the_same_columns_back() -> None:
    columns = TextColumns(["title"], " ", ["nan"])
    assert parse_text_columns({"temperature": 1.5, "text": columns.to_config()}, model="me/news") == columns


@pytest.mark.parametrize("config", [None, {}, {"temperature": 1.5}, "text", {"text": None}])
def test_config_may_say_nothing(config: object) -> None:
    assert parse_text_columns(config, model="me/news") is None


@pytest.mark.parametrize(
    "entry", ["title", {"columns": "title"}, {"columns": [1]}, {"columns": []}, {"separator": " "}]
)
def test_config_of_another_form_is_refused(entry: object) -> None:
    with pytest.raises(ModelError, match=r"me/news.*--text"):
        parse_text_columns({"text": entry}, model="me/news")
