"""What the evaluation step reads from prepared rows."""

import logging

import pytest
from datasets import Dataset, DatasetDict

from hf_newscls.recipe.recipe import Recipe
from hf_newscls.workflow.evaluation.step import read_years


def build_recipe(date: str | None) -> Recipe:
    data = {"source": "news.csv", "text": ["title"], "label": "kind", "date": date}
    return Recipe.model_validate({"name": "tiny", "data": data, "model": {"model_name_or_path": "owner/model"}})


def build_splits(**dates: list[str | None]) -> DatasetDict:
    return DatasetDict(
        {split: Dataset.from_dict({"id": [*map(str, range(len(days)))], "date": days}) for split, days in dates.items()}
    )


def test_dates_of_all_splits_are_read_together(caplog: pytest.LogCaptureFixture) -> None:
    splits = build_splits(train=["2017-12-31", "01/02/2018"], validation=["soon"], test=["01/01/2019", None])
    with caplog.at_level(logging.WARNING, logger="hf_newscls"):
        years = read_years(splits, build_recipe("date"))
    assert years == {"train": ["2017", "2018"], "validation": ["unknown"], "test": ["2019", "unknown"]}
    assert len(caplog.messages) == 1
    assert "1 of 5 " in caplog.text


def test_recipe_without_dates_has_no_years() -> None:
    splits = build_splits(train=["2018"], validation=["2018"], test=["2018"])
    assert read_years(splits, build_recipe(None)) is None
