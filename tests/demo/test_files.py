"""The files of a demo: an app that is plain Python, pinned packages, and the card of the Space."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from hf_newscls.demo.files import GRADIO_VERSION, build_space_files, render_app
from hf_newscls.demo.settings import DemoSettings, Encoder, read_settings
from hf_newscls.demo.wording import select_words
from hf_newscls.recipe.recipe import Recipe

ROOT = Path(__file__).parents[2]
MakeRecipe = Callable[..., Recipe]
COMMIT = "c" * 40


def write_model(folder: Path, **config: Any) -> Path:
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", **config}))
    return folder


def read_constants(app: str) -> dict[str, Any]:
    """Return the values at the top of an app."""
    assigned = [node for node in ast.parse(app).body if isinstance(node, ast.Assign)]
    return {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in assigned
        if isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper()
    }


def find_pipeline_options(app: str) -> set[str]:
    calls = [node for node in ast.walk(ast.parse(app)) if isinstance(node, ast.Call)]
    (call,) = [one for one in calls if isinstance(one.func, ast.Name) and one.func.id == "pipeline"]
    return {str(one.arg) for one in call.keywords}


@pytest.fixture
def settings(make_recipe: MakeRecipe, tmp_path: Path) -> DemoSettings:
    examples = "hub.examples=['Goal in the last minute', 'Say \"hi\" \\ {x}']"
    texts = (examples, "hub.title=Tiny news", "hub.limitations=[One.]")
    return read_settings(write_model(tmp_path), make_recipe(*texts), model="owner/tiny", revision=COMMIT)


def test_app_has_the_values_of_the_recipe(settings: DemoSettings) -> None:
    found = read_constants(render_app(settings))
    assert found["MODEL"] == "owner/tiny"
    assert found["REVISION"] == COMMIT
    assert found["TITLE"] == "Tiny news"
    assert found["EXAMPLES"] == ["Goal in the last minute", 'Say "hi" \\ {x}']
    assert found["LIMITATIONS"] == ["One."]
    assert found["MIN_CONFIDENCE"] == 0.5


def test_examples_are_the_recipes_example_by_default(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    found = read_settings(write_model(tmp_path), make_recipe("hub.example=Rain again"), model="owner/tiny")
    assert found.examples == ["Rain again"]


def test_model_without_a_recipe_has_a_page_without_examples(tmp_path: Path) -> None:
    settings = read_settings(write_model(tmp_path), None, model=str(tmp_path))
    app = render_app(settings)
    assert read_constants(app)["TITLE"] == str(tmp_path)
    assert "gr.Examples" not in app


@pytest.mark.parametrize(
    ("config", "revision", "truncates", "trusts"),
    [
        ({}, COMMIT, True, False),
        ({"auto_map": {}}, COMMIT, True, True),
        # On this machine our classes are registered, and no code of a model runs.
        ({"auto_map": {}}, None, True, False),
        ({"auto_map": {}, "window_count": 4, "truncation": "head_tail"}, COMMIT, False, True),
    ],
)
def test_app_loads_the_model_as_its_card_says(
    config: dict[str, Any], revision: str | None, truncates: bool, trusts: bool, make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    settings = read_settings(write_model(tmp_path, **config), make_recipe(), model="owner/tiny", revision=revision)
    app = render_app(settings)
    assert ("truncation=True" in app) == truncates
    assert ("trust_remote_code" in find_pipeline_options(app)) == trusts
    assert "revision" in find_pipeline_options(app)
    assert settings.limitations == []


def test_page_says_what_the_pipeline_cannot_read(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    found = read_settings(write_model(tmp_path, truncation="head_tail"), make_recipe(), model="owner/tiny")
    assert len(found.limitations) == 1


def test_adapter_brings_its_encoder(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    adapter = {"base_model_name_or_path": "owner/encoder", "revision": "main"}
    (tmp_path / "adapter_config.json").write_text(json.dumps(adapter))
    settings = read_settings(write_model(tmp_path), make_recipe(), model="owner/tiny", revision=COMMIT)
    assert settings.encoder == Encoder("owner/encoder", "main")
    files = build_space_files(settings, make_recipe())
    assert read_constants(files["app.py"].decode())["ENCODER"] == "owner/encoder"
    assert f"peft=={version('peft')}" in files["requirements.txt"].decode().splitlines()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"explain": True, "language": "de"},
        {"explain": True, "examples": [], "limitations": [], "purpose": "", "revision": None},
        {"encoder": Encoder("owner/encoder", None)},
        {"runs_code": True, "reads_windows": True},
    ],
)
def test_app_is_formatted_and_without_faults(changes: dict[str, Any], settings: DemoSettings, tmp_path: Path) -> None:
    path = tmp_path / "app.py"
    path.write_text(render_app(replace(settings, **{"examples": ["Goal"], **changes})), encoding="utf-8")
    for command in (["check", "--config", str(ROOT / "pyproject.toml")], ["format", "--diff", "--line-length", "120"]):
        ended = subprocess.run(
            [sys.executable, "-m", "ruff", *command, str(path)], capture_output=True, encoding="utf-8", check=False
        )
        assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize(("language", "names"), [("de", ["en", "de"]), ("en", ["en"]), ("xx", ["en"])])
def test_words_are_english_and_those_of_the_language(language: str, names: Sequence[str]) -> None:
    found = select_words(language)
    assert [*found] == names
    assert {frozenset(words) for words in found.values()} == {frozenset(found["en"])}


def test_packages_are_pinned(settings: DemoSettings, make_recipe: MakeRecipe) -> None:
    lines = build_space_files(replace(settings, explain=True), make_recipe())["requirements.txt"].decode().splitlines()
    pinned = dict(line.split("==") for line in lines)
    assert pinned.keys() == {"gradio", "transformers", "torch", "captum"}
    assert pinned["transformers"] == version("transformers")
    assert "+" not in pinned["torch"]
    assert f"gradio=={GRADIO_VERSION}" in (ROOT / "constraints.txt").read_text().splitlines()


def test_card_of_the_space_names_the_model(settings: DemoSettings, make_recipe: MakeRecipe) -> None:
    card = build_space_files(settings, make_recipe())["README.md"].decode()
    metadata = yaml.safe_load(re.split(r"^---$", card, flags=re.MULTILINE)[1])
    assert metadata["models"] == ["owner/tiny"]
    assert (metadata["sdk"], metadata["sdk_version"], metadata["app_file"]) == ("gradio", GRADIO_VERSION, "app.py")
    assert isinstance(metadata["python_version"], str)
    assert "huggingface.co/owner/tiny" in card
