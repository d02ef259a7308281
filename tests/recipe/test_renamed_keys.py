"""A key of an earlier version is refused with its new name, and still read in the recipe.yaml of a run."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from hf_newscls.errors import RecipeError
from hf_newscls.recipe.loading import read_run_recipe
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.recipe.renamed_keys import RENAMED_KEYS, RENAMED_VALUES
from hf_newscls.recipe.serialization import recipe_to_yaml

VALUES = {"adapter.rank": 4, "adapter.alpha": 8, "data.contradictions": "drop", "finetune.layer_decay": 0.9}
VALUES |= {"hub.language": "de", "hub.limits": ["one"], "model.windows.max_windows_a_step": 2}


@pytest.mark.parametrize(("old", "new"), RENAMED_KEYS.items())
def test_old_key_is_refused_with_its_new_name(old: str, new: str, make_recipe: Callable[..., Recipe]) -> None:
    with pytest.raises(RecipeError) as caught:
        make_recipe("model.max_length=null", "model.windows={count: 2, length: 16}", f"{old}=1")
    assert f": {old} is " in str(caught.value)
    assert f" {new};" in str(caught.value)


@pytest.mark.parametrize(("old", "new"), RENAMED_VALUES.items())
def test_old_value_is_refused_with_its_new_name(
    old: tuple[str, str], new: str, make_recipe: Callable[..., Recipe]
) -> None:
    key, value = old
    with pytest.raises(RecipeError, match=rf": {re.escape(key)} is '{value}', .*'{new}'"):
        make_recipe("hub.benchmark={dataset_id: ann/news}", f"{key}={value}")


def find_section(content: dict[str, Any], key: str) -> dict[str, Any]:
    for name in key.split(".")[:-1]:
        content = content[name]
    return content


def test_source_of_a_run_is_replaced(make_recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe_to_yaml(make_recipe()), encoding="utf-8")
    assert read_run_recipe(path, source="other.csv").data.source == "other.csv"


def test_run_of_an_earlier_version_is_read(make_recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    recipe = make_recipe("model.max_length=null", "model.windows={count: 2, length: 16}", "adapter={}")
    content = yaml.safe_load(recipe_to_yaml(recipe))
    for old, new in RENAMED_KEYS.items():
        del find_section(content, new)[new.rpartition(".")[2]]
        find_section(content, old)[old.rpartition(".")[2]] = VALUES[old]
    content["evaluation"]["threshold_metric"] = "matthews"
    content["hub"]["benchmark"] = {"dataset_id": "ann/news", "metric": "matthews"}
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    read = read_run_recipe(path)
    assert read.adapter is not None
    assert (read.adapter.r, read.adapter.lora_alpha) == (4, 8)
    assert read.model.windows is not None
    assert read.model.windows.window_batch_size == 2
    assert read.data.language == "de"
    assert (read.data.conflicting_labels, read.hub.limitations) == ("drop", ["one"])
    assert (read.finetune.layerwise_lr_decay, read.evaluation.threshold_metric) == (0.9, "mcc")
    assert read.hub.benchmark is not None
    assert read.hub.benchmark.metric == "mcc"
