"""The language is asked for where the letters are not English."""

from collections.abc import Sequence

import pytest
from datasets import Dataset

from hf_newscls.data.language import check_language
from hf_newscls.errors import RecipeError
from hf_newscls.recipe.data import DataSection
from tests.data.headlines import HEADLINES


def check(texts: Sequence[str], *, language: str | None = None) -> None:
    section = DataSection(source="news.csv", text=["title"], label="topic", language=language)
    check_language(Dataset.from_dict({"text": [*texts]}), section, source_name="news.csv")


@pytest.mark.parametrize("name", [name for name in HEADLINES if name != "english"])
def test_other_letters_need_a_language(name: str) -> None:
    with pytest.raises(RecipeError, match=r"^news\.csv: data\.language .*%"):
        check(HEADLINES[name])
    check(HEADLINES[name], language="xx")


@pytest.mark.parametrize(("foreign", "is_asked"), [(1, False), (2, True)])
def test_a_few_letters_in_two_hundred_are_allowed(foreign: int, is_asked: bool) -> None:
    # Spaces, digits and signs are no letters.
    texts = ["é" * foreign + "a" * (300 - foreign), "1, 2, 3 € & 5!"]
    if is_asked:
        with pytest.raises(RecipeError, match=r"0\.7%.*'é'"):
            check(texts)
    else:
        check(texts)


def test_all_of_many_rows_are_sampled() -> None:
    with pytest.raises(RecipeError, match=r"50\.0%"):
        check(["news"] * 20_000 + ["мир!"] * 26_667)


@pytest.mark.parametrize("texts", [["2026"], ["a"], []])
def test_texts_without_letters_are_not_asked_about(texts: list[str]) -> None:
    check(texts)
