"""Run folders: how they are named, marked, found and listed."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hf_newscls import __version__
from hf_newscls.errors import RecipeError, RunError
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.runs.folder import RunFolder, create_run, find_run, find_runs
from tests.conftest import write_recipe


def finish_run(runs_dir: Path, *, recipe: str = "tiny") -> RunFolder:
    run = create_run(runs_dir, recipe)
    run.recipe.write_text(f"name: {recipe}\n")
    run.model.mkdir()
    run.metrics.write_text("{}")
    run.mark_latest()
    return run


def test_run_is_named_after_the_time(tmp_path: Path) -> None:
    run = create_run(tmp_path / "runs", "tiny")
    assert run.path.parent == tmp_path / "runs" / "tiny"
    assert re.fullmatch(r"20\d{6}-[0-2]\d[0-5]\d[0-5]\d", run.path.name)
    assert os.listdir(run.path) == []


def test_each_run_has_a_later_name_than_those_before(tmp_path: Path) -> None:
    runs = [create_run(tmp_path, "tiny").path for _ in range(20)]
    assert runs == sorted({*runs})
    assert all(run.is_dir() for run in runs)


@pytest.mark.parametrize("name", ["20991231-235959", "20991231-235959-3"])  # the suffix is of earlier versions
def test_run_after_the_clock_was_set_back_is_the_newest(name: str, tmp_path: Path) -> None:
    (tmp_path / "tiny" / name).mkdir(parents=True)
    assert [create_run(tmp_path, "tiny").path.name for _ in range(2)] == ["21000101-000000", "21000101-000001"]


def test_recipe_is_written_with_the_version_that_trains(make_recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    run, recipe = RunFolder(tmp_path), make_recipe()
    run.write_recipe(recipe)
    assert run.read_version() == __version__
    assert run.read_recipe() == recipe
    # A run of another version that is only evaluated now was not trained by this one.
    run.recipe.write_text(run.recipe.read_text().replace(__version__, "0.0.9", 1))
    run.training.write_text("{}")
    run.write_recipe(recipe)
    assert run.read_version() == "0.0.9"


def test_files_are_named_inside_the_run() -> None:
    run = RunFolder(Path("runs/tiny/one"))
    names = ["recipe", "split", "training", "metrics", "predictions", "figures", "checkpoints", "model"]
    assert [getattr(run, name).relative_to(run.path).as_posix() for name in names] == [
        "recipe.yaml",
        "split.json",
        "training.json",
        "metrics.json",
        "predictions.parquet",
        "figures",
        "checkpoints",
        "model",
    ]


def test_latest_points_at_the_run_marked_last(tmp_path: Path) -> None:
    first, second = finish_run(tmp_path), finish_run(tmp_path)
    latest = tmp_path / "tiny" / "latest"
    assert latest.resolve() == second.path.resolve()
    first.mark_latest()
    assert latest.resolve() == first.path.resolve()
    assert sorted(os.listdir(tmp_path / "tiny")) == sorted([first.path.name, second.path.name, "latest"])


def test_latest_survives_a_move_of_the_runs(tmp_path: Path) -> None:
    run = finish_run(tmp_path / "before")
    (tmp_path / "before").rename(tmp_path / "after")
    assert find_run("tiny", runs_dir=tmp_path / "after").path.name == run.path.name


def test_run_is_found_by_recipe_and_by_path(tmp_path: Path) -> None:
    older, newer = finish_run(tmp_path), finish_run(tmp_path)
    assert find_run("tiny", runs_dir=tmp_path).path == newer.path.resolve()
    assert find_run(str(older.path), runs_dir=tmp_path / "elsewhere").path == older.path.resolve()
    assert find_run(older.path, runs_dir=tmp_path / "elsewhere").path == older.path.resolve()
    assert find_run(str(tmp_path / "tiny" / "latest"), runs_dir=tmp_path).path == newer.path.resolve()


def test_run_is_found_by_its_recipes_file(tmp_path: Path) -> None:
    run = finish_run(tmp_path)
    file = write_recipe(tmp_path / "other.yaml", source=tmp_path / "news.csv", encoder=tmp_path / "encoder")
    assert find_run(str(file), runs_dir=tmp_path).path == run.path.resolve()
    with pytest.raises(RunError, match=r"`hf-newscls train .*/other\.yaml --runs-dir .*/empty`"):
        find_run(str(file), runs_dir=tmp_path / "empty")
    file.write_text("name: tiny\n")
    with pytest.raises(RecipeError, match=r"other\.yaml"):
        find_run(str(file), runs_dir=tmp_path)


def test_file_that_is_not_there_is_no_recipe_to_train(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"^absent\.yaml: "):
        find_run("absent.yaml", runs_dir=tmp_path)


def test_recipe_in_a_run_folder_means_that_run(tmp_path: Path) -> None:
    older, _ = finish_run(tmp_path), finish_run(tmp_path)
    older.split.write_text("{}")
    assert find_run(str(older.recipe), runs_dir=tmp_path).path == older.path.resolve()


def test_name_that_is_nearly_a_run_is_suggested(tmp_path: Path) -> None:
    finish_run(tmp_path)
    with pytest.raises(RunError, match=r"did you mean 'tiny'\?"):
        find_run("tinny", runs_dir=tmp_path)


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("quickstart", "`hf-newscls train quickstart --runs-dir "),
        ("quickstat", r"did you mean 'quickstart'\?"),
        # No recipe goes by these names, so none can be trained by them.
        ("small", "--runs-dir"),
        ("runs/tiny/20200101-000000", "--runs-dir"),
    ],
)
def test_unknown_run_is_refused_with_the_fix(name: str, fix: str, tmp_path: Path) -> None:
    finish_run(tmp_path)
    with pytest.raises(RunError, match=fix) as caught:
        find_run(name, runs_dir=tmp_path)
    assert str(caught.value).startswith(f"{name}: ")
    assert str(tmp_path) in str(caught.value)


def test_run_without_a_model_is_refused(tmp_path: Path) -> None:
    run = finish_run(tmp_path)
    run.model.rmdir()
    with pytest.raises(RunError, match=f"^{tmp_path}.*: .*no trained model"):
        find_run("tiny", runs_dir=tmp_path)


def test_measured_runs_are_listed_oldest_first(tmp_path: Path) -> None:
    for name in ("20240102-000000", "20231231-235959", "20240102-000000-2", "20240103-000000"):
        (tmp_path / "tiny" / name).mkdir(parents=True)
        (tmp_path / "tiny" / name / "metrics.json").write_text("{}")
    (tmp_path / "tiny" / "20240103-000000" / "metrics.json").unlink()
    RunFolder(tmp_path / "tiny" / "20240102-000000-2").mark_latest()
    found = find_runs("tiny", runs_dir=tmp_path)
    assert [run.path.name for run in found] == ["20231231-235959", "20240102-000000", "20240102-000000-2"]


def test_recipe_without_runs_has_none(tmp_path: Path) -> None:
    assert find_runs("tiny", runs_dir=tmp_path) == []


def test_json_of_a_run_is_read(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.metrics.write_text('{"accuracy": 0.5, "label": "Übersicht"}', encoding="utf-8")
    assert run.read_json(run.metrics) == {"accuracy": 0.5, "label": "Übersicht"}


@pytest.mark.parametrize("content", [None, '{"accuracy": 0.', "", b"\xff\xfe"])
def test_missing_or_broken_json_is_refused(content: str | bytes | None, tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    if content is not None:
        run.metrics.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(RunError, match=rf"^{re.escape(str(tmp_path))}: .*metrics\.json"):
        run.read_json(run.metrics)
