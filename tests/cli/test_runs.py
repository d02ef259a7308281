"""The commands about finished runs."""

import shutil
import webbrowser
from collections.abc import Callable
from pathlib import Path

import pytest

from hf_newscls import workflow
from hf_newscls.errors import RunError
from hf_newscls.runs.folder import RunFolder
from tests.conftest import FinishedRun
from tests.processes import Result, check_refusal

Call = Callable[..., Result]


@pytest.mark.parametrize("has_browser", [True, False])
def test_open_shows_the_report(
    has_browser: bool, tiny_run: FinishedRun, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or has_browser)
    result = call("open", "tiny", "--runs-dir", str(tiny_run.runs_dir))
    assert result.code == 0, result.err
    report = tiny_run.run.path.resolve() / "report.html"
    assert opened == [report.as_uri()]
    assert str(report) in result.out
    assert ("no browser" in result.out) != has_browser


def test_open_refuses_a_run_without_a_report(tiny_run: FinishedRun, call: Call, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(tiny_run.run.path, run)
    (run / "report.html").unlink()
    check_refusal(call("open", str(run)), str(run), "report.html")


def test_cards_are_copied_with_their_figures(tiny_run: FinishedRun, call: Call, tmp_path: Path) -> None:
    cards = tmp_path / "cards"
    result = call("cards", "tiny", "--runs-dir", str(tiny_run.runs_dir), "--output", str(cards))
    assert result.code == 0, result.err
    assert (cards / "tiny.md").read_text() == (tiny_run.cards_dir / "tiny.md").read_text()
    assert sorted(path.name for path in (cards / "figures" / "tiny").iterdir()) == sorted(
        path.name for path in (tiny_run.cards_dir / "figures" / "tiny").iterdir()
    )


def test_cards_of_an_unfinished_run_are_refused(tiny_run: FinishedRun, call: Call, tmp_path: Path) -> None:
    run, cards = tmp_path / "run", tmp_path / "cards"
    shutil.copytree(tiny_run.run.path, run)
    (run / "model" / "README.md").unlink()
    result = call("cards", "tiny", str(run), "--runs-dir", str(tiny_run.runs_dir), "--output", str(cards))
    check_refusal(result, str(run))
    assert not cards.exists()


def test_runs_are_listed_with_what_changed(tiny_run: FinishedRun, call: Call, tmp_path: Path) -> None:
    for name, seed in (("20260101-000000", 17), ("20260102-000000", 18)):
        shutil.copytree(tiny_run.run.path, tmp_path / "tiny" / name)
        changed = tiny_run.recipe.model_copy(update={"split": tiny_run.recipe.split.model_copy(update={"seed": seed})})
        RunFolder(tmp_path / "tiny" / name).write_recipe(changed)
    listed = workflow.list_runs(runs_dir=tmp_path)
    first, second = listed
    assert [*listed.to_pandas()["changes"]] == ["", "split.seed=18"]
    assert f"<td>{first.accuracy:.4f}</td>" in listed._repr_html_()
    assert (first.recipe_name, first.path.name, first.changes) == ("tiny", "20260101-000000", [])
    assert first.accuracy == tiny_run.report.test.scores["accuracy"]
    assert first.f1_macro == tiny_run.report.test.scores["f1_macro"]
    assert [(change.key, change.before, change.now) for change in second.changes] == [("split.seed", 17, 18)]
    result = call("runs", "--runs-dir", str(tmp_path))
    assert result.code == 0, result.err
    assert f"{first.accuracy:.4f}" in result.out
    assert "20260102-000000" in result.out
    assert "split.seed=18" in result.out


def test_change_of_the_data_is_listed(tiny_run: FinishedRun, tmp_path: Path) -> None:
    for name, text in (("20260101-000000", ["title", "body"]), ("20260102-000000", ["title"])):
        shutil.copytree(tiny_run.run.path, tmp_path / "tiny" / name)
        changed = tiny_run.recipe.model_copy(update={"data": tiny_run.recipe.data.model_copy(update={"text": text})})
        RunFolder(tmp_path / "tiny" / name).write_recipe(changed)
    _, second = workflow.list_runs(runs_dir=tmp_path)
    assert [(change.key, change.now) for change in second.changes] == [("data.text", ["title"])]


def test_missing_folder_of_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="absent"):
        workflow.list_runs(runs_dir=tmp_path / "absent")
