"""The contents of the wheel."""

import re
import zipfile
from pathlib import Path

import pytest

from tests.processes import run_cli, run_python

ROOT = Path(__file__).parents[2]
SKIPPED = {".git", ".venv", "build", "dist", "runs", "__pycache__"}


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with only the contents of the wheel."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_wheel_carries_everything_that_is_read_at_run_time(installed: Path) -> None:
    package = installed / "hf_newscls"
    for name in (
        "recipes/schema.json",
        "comparison/templates/leaderboard.md.jinja",
        "overview/templates/overview.md.jinja",
        "report/templates/dataset_card.md.jinja",
        "report/templates/model_card.md.jinja",
        "report/templates/report.html.jinja",
        "data/headlines.csv",
        "py.typed",
    ):
        assert (package / name).is_file(), name


def test_wheel_carries_every_recipe_and_module(installed: Path) -> None:
    package = installed / "hf_newscls"
    recipes = {path.name: path.read_bytes() for path in (ROOT / "recipes").glob("*.yaml")}
    assert {path.name: path.read_bytes() for path in (package / "recipes").glob("*.yaml")} == recipes
    modules = {str(path.relative_to(ROOT / "hf_newscls")) for path in (ROOT / "hf_newscls").rglob("*.py")}
    assert {str(path.relative_to(package)) for path in package.rglob("*.py")} == modules


def test_wheel_carries_nothing_else(installed: Path) -> None:
    tops = {path.name.partition("-")[0] for path in installed.iterdir()}
    assert tops == {"hf_newscls"}
    kinds = {path.suffix for path in (installed / "hf_newscls").rglob("*") if path.is_file()}
    assert kinds <= {".py", ".yaml", ".json", ".jinja", ".csv", ".typed", ".txt"}


def test_wheel_names_its_command_and_licence(installed: Path) -> None:
    (info,) = installed.glob("hf_newscls-*.dist-info")
    assert "hf-newscls = hf_newscls.cli:main" in (info / "entry_points.txt").read_text()
    assert "License-Expression: Apache-2.0" in (info / "METADATA").read_text()
    assert (info / "licenses" / "LICENSE").is_file()


@pytest.mark.slow
def test_installed_wheel_finds_its_recipes_and_data(installed: Path, tmp_path: Path) -> None:
    environment = {"PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}
    source_name = run_python(
        "import hf_newscls; print(hf_newscls.__file__)", cwd=tmp_path, home=tmp_path, environment=environment
    )
    assert source_name.out.strip() == str(installed / "hf_newscls" / "__init__.py")
    result = run_cli("prepare", "quickstart", cwd=tmp_path, home=tmp_path, environment=environment)
    assert result.code == 0, result.err
    assert "2,400 of 2,400 rows" in result.err


# As the quickstart, but with shorter texts and without baselines.
SMALL_RECIPE = """
extends: quickstart
name: small
model: {max_length: 16}
freeze: null
evaluation: {baseline: false}
"""


@pytest.mark.slow
def test_python_block_of_the_readme_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    block = re.search(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S)
    assert block is not None
    code = block[1].replace('"quickstart"', '"small.yaml"')
    (tmp_path / "small.yaml").write_text(SMALL_RECIPE)
    environment = {"PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}
    result = run_python(
        f"{code}\nprint(hf_newscls.__file__)", cwd=tmp_path, home=tmp_path, environment=environment, timeout=600
    )
    assert result.code == 0, result.err
    assert result.out.splitlines()[-1] == str(installed / "hf_newscls" / "__init__.py")
    assert "Rail strike ends after nine days" in result.out
    (model,) = (tmp_path / "runs" / "small").glob("2*/model/model.safetensors")
    assert f"small/{model.parents[1].name}" in result.out


@pytest.mark.slow
def test_installed_wheel_renders_a_card(installed: Path, tmp_path: Path) -> None:
    code = """
import sys
from tests.card_parts import build_parts
import hf_newscls
assert hf_newscls.__file__.startswith(sys.argv[1]), hf_newscls.__file__
print(build_parts().render("owner/tiny"))
"""
    environment = {"PYTHONPATH": f"{installed}:{ROOT}", "PYTHONSAFEPATH": "1"}
    result = run_python(code, str(installed), cwd=tmp_path, home=tmp_path, environment=environment)
    assert result.code == 0, result.err
    assert 'model="owner/tiny"' in result.out
