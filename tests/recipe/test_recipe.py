"""What each section of a recipe accepts and what it fills in."""

from typing import Any

import pytest
from pydantic import ValidationError

from hf_newscls.recipe.data import DataSection, SplitSection
from hf_newscls.recipe.evaluation import EvaluationSection
from hf_newscls.recipe.files import CsvSection
from hf_newscls.recipe.hub import HubSection
from hf_newscls.recipe.model import ModelSection
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.recipe.training import FreezeSection

DATA = {"source": "news.csv", "text": ["title"], "label": "category"}
MODEL = {"model_name_or_path": "FacebookAI/roberta-base"}
FREEZE = {"epochs": 1, "learning_rate": 1e-3}


def build_recipe(**changes: Any) -> Recipe:
    return Recipe.model_validate({"name": "tiny", "data": DATA, "model": MODEL, **changes})


def test_shortest_recipe_takes_every_default() -> None:
    recipe = build_recipe()
    assert recipe.data == DataSection(source="news.csv", text=["title"], label="category")
    assert recipe.split == SplitSection(train=0.8, validation=0.1, test=0.1, seed=17)
    assert (recipe.freeze, recipe.training_arguments) == (None, {})
    assert recipe.evaluation == EvaluationSection(top_k=[3], baseline=True, bootstrap_resamples=1000)
    assert recipe.hub.private
    assert recipe.hub.repo_id is None


def test_data_defaults() -> None:
    section = DataSection.model_validate(DATA)
    assert (section.separator, section.min_characters, section.min_characters_in) == (". ", 1, "joined")
    assert (section.id, section.sha256, section.encoding, section.labels) == (None, None, None, None)
    assert (section.keep, section.merge_labels, section.missing_label) == ([], {}, "error")
    assert (section.label_choice, section.missing_values, section.date_format) == ("refuse", None, None)


def test_model_defaults_are_safe() -> None:
    section = ModelSection.model_validate(MODEL)
    assert (section.head, section.head_dropout, section.max_length) == ("stock", None, 256)
    assert (section.revision, section.config) == ("main", {})


def test_recipe_cannot_be_changed() -> None:
    recipe = build_recipe()
    with pytest.raises(ValidationError, match="frozen"):
        recipe.name = "other"
    with pytest.raises(ValidationError, match="frozen"):
        recipe.data.label = "other"


@pytest.mark.parametrize("key", ["merge_labels", "keep"])
def test_null_empties_a_collection(key: str) -> None:
    first, second = (DataSection.model_validate({**DATA, key: None}) for _ in range(2))
    assert not getattr(first, key)
    # Were the two one object, a change to it would reach every other recipe.
    assert getattr(first, key) is not getattr(second, key)


@pytest.mark.parametrize(
    ("section", "content"),
    [
        (DataSection, {**DATA, "source": ""}),
        (DataSection, {**DATA, "csv": {"separator": "||"}}),
        (DataSection, {**DATA, "csv": {"separator": '"'}}),
        (DataSection, {**DATA, "csv": {"separator": "\n"}}),
        (DataSection, {**DATA, "csv": {"columns": []}}),
        (DataSection, {**DATA, "csv": {"columns": ["a", "a"]}}),
        (DataSection, {**DATA, "csv": {"quoting": "all"}}),
        (DataSection, {**DATA, "text": []}),
        (DataSection, {**DATA, "text": ["title", ""]}),
        (DataSection, {**DATA, "text": ["title", "title"]}),
        (DataSection, {**DATA, "label": ""}),
        (DataSection, {**DATA, "keep": ["date", "date"]}),
        (DataSection, {**DATA, "keep": ["id"]}),
        (DataSection, {**DATA, "keep": ["date", "text"]}),
        (DataSection, {**DATA, "keep": ["label"]}),
        (DataSection, {**DATA, "labels": ["REAL"]}),
        (DataSection, {**DATA, "labels": ["REAL", "FAKE", "REAL"]}),
        (DataSection, {**DATA, "min_characters": 0}),
        (DataSection, {**DATA, "min_characters_in": "all"}),
        (DataSection, {**DATA, "missing_label": "skip"}),
        (DataSection, {**DATA, "label_choice": "last"}),
        (DataSection, {**DATA, "missing_values": "nan"}),
        (DataSection, {**DATA, "labels": [["REAL"], "FAKE"]}),
        (DataSection, {**DATA, "labels": [1, "1"]}),
        (DataSection, {**DATA, "date": "date", "date_format": ""}),
        (DataSection, {**DATA, "date": "date", "date_format": "%d.%m."}),
        (DataSection, {**DATA, "date": "date", "date_format": "%Y-%Q"}),
        (DataSection, {**DATA, "date": "date", "date_format": "YYYY-MM-DD"}),
        (DataSection, {**DATA, "date_format": "%Y"}),
        (DataSection, {**DATA, "sha256": "abc"}),
        (DataSection, {**DATA, "sha256": "A" * 64}),
        (DataSection, {**DATA, "merge_labels": {"A": ["x"], "B": ["x"]}}),
        (SplitSection, {"train": 0.8, "validation": 0.2, "test": 0}),
        (SplitSection, {"train": 1, "validation": 0.1, "test": 0.1}),
        (SplitSection, {"seed": -1}),
        (ModelSection, {**MODEL, "model_name_or_path": ""}),
        (ModelSection, {**MODEL, "head": "three_layer"}),
        (ModelSection, {**MODEL, "head": "two_layer", "head_dropout": 1.0}),
        (ModelSection, {**MODEL, "max_length": 7}),
        (ModelSection, {**MODEL, "windows": {"count": 0, "length": 32}}),
        (ModelSection, {**MODEL, "windows": {"count": 2, "length": 7}}),
        (ModelSection, {**MODEL, "windows": {"count": 2, "length": 32, "stride": 17}}),
        (ModelSection, {**MODEL, "windows": {"count": 2, "length": 32, "pooling": "median"}}),
        (ModelSection, {**MODEL, "windows": {"count": 2, "length": 32, "window_batch_size": 0}}),
        (ModelSection, {**MODEL, "truncation": "middle"}),
        (FreezeSection, {**FREEZE, "epochs": 0}),
        (FreezeSection, {**FREEZE, "learning_rate": 0}),
        (FreezeSection, {**FREEZE, "warmup": -0.1}),
        (EvaluationSection, {"top_k": [0]}),
        (EvaluationSection, {"bootstrap_resamples": 99}),
        (HubSection, {"repo_id": "a/b/c"}),
        (HubSection, {"repo_id": "my repo"}),
    ],
)
def test_value_out_of_range_is_refused(section: type, content: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        section.model_validate(content)  # type: ignore[attr-defined]
    assert caught.value.error_count() == 1


def test_percentages_are_refused() -> None:
    with pytest.raises(ValidationError) as caught:
        SplitSection(train=80, validation=10, test=10)
    found = {error["loc"]: (error["type"], error["input"]) for error in caught.value.errors()}
    assert found == {("train",): ("less_than", 80), ("validation",): ("less_than", 10), ("test",): ("less_than", 10)}


def test_config_takes_only_plain_values() -> None:
    with pytest.raises(ValidationError, match="id2label"):
        ModelSection.model_validate({**MODEL, "config": {"id2label": {0: "REAL"}}})


@pytest.mark.parametrize("name", ["", "a/b", "../tiny", "-tiny", ".hidden", "my recipe", "latest\n"])
def test_name_must_suit_a_folder(name: str) -> None:
    with pytest.raises(ValidationError, match="name"):
        build_recipe(name=name)


@pytest.mark.parametrize("name", ["quickstart", "ag_news-2", "v1.0", "2024"])
def test_name_of_letters_digits_and_marks_is_fine(name: str) -> None:
    assert build_recipe(name=name).name == name


@pytest.mark.parametrize(
    "fractions", [(0.7, 0.1, 0.2), (0.98, 0.01, 0.01), (1 / 3, 1 / 3, 1 / 3), (0.3333333, 0.3333333, 0.3333334)]
)
def test_fractions_may_be_rounded(fractions: tuple[float, float, float]) -> None:
    train, validation, test = fractions
    assert SplitSection(train=train, validation=validation, test=test).test == test


@pytest.mark.parametrize(
    ("train", "validation", "test", "total"),
    [(0.8, 0.1, 0.2, "1.1"), (0.5, 0.1, 0.1, "0.7"), (0.8, 0.1, 0.099, "0.999")],
)
def test_fractions_must_sum_to_one(train: float, validation: float, test: float, total: str) -> None:
    with pytest.raises(ValidationError, match=rf"is {train} \+ {validation} \+ {test} = {total},"):
        SplitSection(train=train, validation=validation, test=test)


def test_dropout_of_the_two_layer_head_needs_that_head() -> None:
    assert ModelSection.model_validate({**MODEL, "head": "two_layer", "head_dropout": 0.0}).head_dropout == 0
    with pytest.raises(ValidationError, match=r"head_dropout is 0\.0, .*'stock'"):
        ModelSection.model_validate({**MODEL, "head_dropout": 0.0})


def test_numbers_and_truth_values_are_labels() -> None:
    merges = {1: [2, 3.0], "OTHER": [-1, "x"]}
    section = DataSection.model_validate({**DATA, "labels": [True, False, 0.5], "merge_labels": merges})
    assert section.labels == ["True", "False", "0.5"]
    assert section.merge_labels == {"1": ["2", "3.0"], "OTHER": ["-1", "x"]}
    assert DataSection.model_validate({**DATA, "min_count": 2, "rare_labels": 0}).rare_labels == "0"
    assert DataSection.model_validate(section.model_dump()) == section


def test_label_map_takes_numbers() -> None:
    section = EvaluationSection.model_validate({"label_maps": {"owner/model": {"LABEL_0": 0, 1: True, "b": None}}})
    assert section.label_maps == {"owner/model": {"LABEL_0": "0", "1": "True", "b": None}}


@pytest.mark.parametrize("date_format", ["%Y", "%d.%m.%y", "%Y-%m-%dT%H:%M:%S%z", "%a, %d %b %Y"])
def test_date_format_of_strptime_is_accepted(date_format: str) -> None:
    section = DataSection.model_validate({**DATA, "date": "date", "date_format": date_format})
    assert section.date_format == date_format


def test_label_may_be_listed_twice_in_one_merge() -> None:
    merges = {"ARTS": ["ARTS", "CULTURE", "CULTURE"]}
    assert DataSection.model_validate({**DATA, "merge_labels": merges}).merge_labels == merges


def test_config_keeps_the_types_of_its_values() -> None:
    config = {"attention_probs_dropout_prob": 0.0, "num_hidden_layers": 2, "use_cache": False, "hidden_act": "gelu"}
    found = ModelSection.model_validate({**MODEL, "config": config}).config
    assert [(name, type(value), value) for name, value in found.items()] == [
        (name, type(value), value) for name, value in config.items()
    ]


def test_training_arguments_get_the_types_of_the_trainer() -> None:
    arguments = build_recipe(training_arguments={"num_train_epochs": 3, "learning_rate": "2e-5"}).training_arguments
    assert arguments == {"num_train_epochs": 3.0, "learning_rate": 2e-5}
    assert all(type(value) is float for value in arguments.values())


@pytest.mark.parametrize("given", [{}, {"max_length": None}, {"max_length": 2048}])
def test_windows_decide_the_length(given: dict[str, Any]) -> None:
    section = ModelSection.model_validate({**MODEL, "windows": {"count": 4, "length": 512}, **given})
    assert section.max_length == 2048
    assert ModelSection.model_validate(section.model_dump()) == section


def test_length_that_contradicts_the_windows_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"max_length is 256, .*2048"):
        ModelSection.model_validate({**MODEL, "max_length": 256, "windows": {"count": 4, "length": 512}})


def test_length_without_windows_is_256() -> None:
    assert ModelSection.model_validate({**MODEL, "max_length": None}).max_length == 256


@pytest.mark.parametrize("written", ["\t", "\\t"])
def test_tab_can_be_written_as_in_python(written: str) -> None:
    assert CsvSection(separator=written).separator == "\t"
