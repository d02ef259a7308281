"""In which keys two recipes differ."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hf_newscls.recipe.loading import read_recipe
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.recipe.serialization import recipe_to_yaml
from hf_newscls.runs.recipe_diff import RecipeChange, find_changes

MakeRecipe = Callable[..., Recipe]


def test_equal_recipes_differ_in_nothing(make_recipe: MakeRecipe) -> None:
    assert find_changes(make_recipe(), make_recipe(), exclude=()) == []


def test_keys_are_in_order_with_both_values(make_recipe: MakeRecipe) -> None:
    other = make_recipe("training_arguments.num_train_epochs=3", "freeze.learning_rate=0.5", "name=other")
    assert find_changes(make_recipe(), other, exclude={"name"}) == [
        RecipeChange("freeze.learning_rate", 1e-2, 0.5),
        RecipeChange("training_arguments.num_train_epochs", 2, 3),
    ]


@pytest.mark.parametrize("section", ["sampling", "adapter"])
def test_new_section_is_shown_by_its_keys_and_one_left_out_by_its_name(section: str, make_recipe: MakeRecipe) -> None:
    key, value = {"sampling": ("labels", "balanced"), "adapter": ("r", 4)}[section]
    plain, other = make_recipe(), make_recipe(f"{section}.{key}={value}")
    forwards, backwards = find_changes(plain, other, exclude=()), find_changes(other, plain, exclude=())
    assert RecipeChange(f"{section}.{key}", None, value) in forwards
    (left_out,) = backwards
    assert (left_out.key, left_out.before[key], left_out.now) == (section, value, None)


def test_section_that_is_excluded_may_differ(make_recipe: MakeRecipe) -> None:
    other = make_recipe("sampling.labels=balanced", "evaluation.top_k=[]")
    found = find_changes(make_recipe(), other, exclude={"evaluation"})
    assert [change.key for change in found] == ["sampling.labels"]


@pytest.mark.parametrize("source", ["{train: a.csv, test: [b.csv]}", "{'1': a.csv, 'true': b.csv, '${x}': c.csv}"])
def test_mapping_and_aliased_keys_are_read_back(source: str, make_recipe: MakeRecipe, tmp_path: Path) -> None:
    label = "category" if "train" in source else "null"
    recipe = make_recipe("data.json.records=response.docs", f"data.label={label}", f"data.source={source}")
    assert recipe.data.json_format.records == "response.docs"
    (tmp_path / "written.yaml").write_text(recipe_to_yaml(recipe), encoding="utf-8")
    assert read_recipe(str(tmp_path / "written.yaml")) == recipe
