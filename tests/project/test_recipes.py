"""Every recipe in recipes/ loads, says how to run it, and fits the schema in the same folder."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from hf_newscls.recipe.loading import read_recipe
from hf_newscls.recipe.lookup import find_recipes, read_purpose
from hf_newscls.recipe.serialization import build_schema

FOLDER = Path(__file__).parents[2] / "recipes"
PATHS = sorted(FOLDER.glob("*.yaml"))
each_recipe = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def test_all_recipes_are_found() -> None:
    assert [*find_recipes().values()] == PATHS
    assert sorted(path.name for path in FOLDER.iterdir() if path not in PATHS) == ["schema.json"]


@each_recipe
def test_recipe_loads_under_its_own_name(path: Path) -> None:
    assert read_recipe(str(path)).name == path.stem
    # A recipe that inherits its name would overwrite its parent's runs.
    assert OmegaConf.load(path).name == path.stem


@each_recipe
def test_first_line_names_the_schema(path: Path) -> None:
    assert path.read_text(encoding="utf-8").splitlines()[0] == "# yaml-language-server: $schema=schema.json"


@each_recipe
def test_header_says_purpose_and_hardware(path: Path) -> None:
    header = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    assert re.fullmatch(r"[A-Z].{30,}\.", read_purpose(path))
    assert [line for line in header if line.startswith("# Hardware: ")]


@each_recipe
def test_header_names_commands_that_the_recipe_accepts(path: Path) -> None:
    commands = re.findall(r"^#\s+(make train .*)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert commands
    for command in commands:
        options = dict(word.split("=", maxsplit=1) for word in shlex.split(command, comments=True)[2:])
        assert options.pop("RECIPE") == path.stem
        recipe = read_recipe(path.stem, options.pop("ARGS", "").split(), source=options.pop("DATA", None))
        assert options == {}
        assert recipe.name == path.stem


@each_recipe
def test_card_can_be_written_from_the_recipe(path: Path) -> None:
    hub = read_recipe(str(path)).hub
    assert hub.title
    assert hub.purpose
    assert hub.limitations


@each_recipe
def test_only_the_hub_or_a_checked_package_gives_the_encoder(path: Path) -> None:
    model = read_recipe(str(path)).model
    if model.model_name_or_path.startswith("package:"):
        assert model.sha256
        assert model.base_model
    else:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", model.model_name_or_path)


@pytest.mark.parametrize(
    "path", [path for path in PATHS if path.stem.startswith("fake_news")], ids=lambda path: path.stem
)
def test_recipes_of_fake_news_warn_of_the_publishers_style(path: Path) -> None:
    limits = " ".join(read_recipe(str(path)).hub.limitations)
    assert "labeled by publisher" in limits
    assert "style of a source as much as the truth" in limits
    assert "No fact is checked" in limits


def test_titles_are_not_inherited() -> None:
    titles = [read_recipe(str(path)).hub.title for path in PATHS]
    assert len({*titles}) == len(titles)


def test_schema_is_current() -> None:
    is_current = (FOLDER / "schema.json").read_text(encoding="utf-8") == build_schema()
    assert is_current, "run `make schema`"


@pytest.fixture(scope="module")
def validator() -> Any:
    jsonschema = pytest.importorskip("jsonschema", reason="needs jsonschema")
    schema = json.loads((FOLDER / "schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@each_recipe
def test_recipe_fits_the_schema(path: Path, validator: Any) -> None:
    content = OmegaConf.to_container(OmegaConf.load(path))
    assert [error.message for error in validator.iter_errors(content)] == []
