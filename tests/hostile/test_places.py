"""Folders that are read-only or oddly named, two trainings at once, and texts without end."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hf_newscls.errors import InputError
from hf_newscls.inference.partial_output import name_partial_folder
from hf_newscls.runs.folder import RunFolder, find_runs
from hf_newscls.workflow.prediction.files import predict_file
from hf_newscls.workflow.prediction.texts import predict
from tests.conftest import FinishedRun, write_recipe
from tests.processes import CommandLine, build_environment, check_refusal, read_files, run_cli

# $1 is mounted read-only for the command that follows, and for no other process.
READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit 77; shift; exec "$@"'
ODD = "two words, Ünï \"quoted\" 'once' $HOME `x` [red] %s {}\nsecond line"


def make_workspace(folder: Path, *, news: Path, encoder: Path) -> Path:
    folder.mkdir(parents=True)
    shutil.copy(news, folder / "news.csv")
    write_recipe(folder / "tiny.yaml", source=Path("news.csv"), encoder=encoder)
    return folder


@pytest.fixture(scope="module")
def closed(
    tiny_run: FinishedRun, noisy_csv: Path, tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A workspace with a finished run, which will be read-only."""
    folder = tmp_path_factory.mktemp("places") / "closed"
    make_workspace(folder, news=noisy_csv, encoder=tiny_encoder)
    shutil.copytree(tiny_run.runs_dir / "tiny", folder / "runs" / "tiny", symlinks=True)
    return folder


@pytest.fixture(scope="module")
def read_only(closed: Path) -> Iterator[CommandLine]:
    """The command line in the read-only workspace, which is its home, too."""
    prefix = ["unshare", "--map-root-user", "--mount", "sh", "-c", READ_ONLY, "sh", str(closed)]
    if shutil.which("unshare") is None or subprocess.run([*prefix, "true"], capture_output=True).returncode:
        pytest.skip("needs the right to mount a folder read-only, with `unshare` of util-linux")
    environment = build_environment(closed, HOME=str(closed), XDG_CACHE_HOME=str(closed))
    with CommandLine(cwd=closed, environment=environment, prefix=prefix) as process:
        yield process


@pytest.mark.hostile
@pytest.mark.parametrize(
    "command",
    [
        ("train", "tiny.yaml"),
        ("evaluate", "tiny"),
        ("overview", "tiny.yaml"),
        ("prepare", "tiny.yaml", "--output", "prepared"),
        ("predict", "tiny", "--input", "news.csv", "--output", "answers.csv"),
        ("compare", "tiny", "--local", "--output", "board"),
        ("cards", "tiny"),
        ("cards", "tiny", "--output", "../cards"),  # the run's own copy is written first
    ],
    ids=lambda command: " ".join(command),
)
def test_read_only_folder_is_named(command: tuple[str, ...], read_only: CommandLine, closed: Path) -> None:
    check_refusal(read_only.run(*command), str(closed))


@pytest.mark.hostile
@pytest.mark.parametrize("command", [("predict", "tiny", "bank shares"), ("runs",), ("compare", "tiny", "--local")])
def test_read_only_folder_can_be_read(command: tuple[str, ...], read_only: CommandLine) -> None:
    result = read_only.run(*command)
    assert result.code == 0, result.err


@pytest.mark.hostile
def test_home_may_be_read_only(read_only: CommandLine, closed: Path) -> None:
    result = read_only.run("train", "tiny.yaml", "--runs-dir", "../open")
    assert result.code == 0, result.err
    assert RunFolder(closed.parent / "open" / "tiny" / "latest").is_complete


@pytest.mark.hostile
def test_folder_may_have_any_name(noisy_csv: Path, tiny_encoder: Path, tmp_path: Path) -> None:
    folder = make_workspace(tmp_path / ODD, news=noisy_csv, encoder=tiny_encoder)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with CommandLine(cwd=elsewhere, environment=build_environment(folder)) as command_line:
        recipe, runs, run = str(folder / "tiny.yaml"), str(folder / "runs"), str(folder / "runs" / "tiny" / "latest")
        data = ("--data", str(folder / "news.csv"))
        answers = str(folder / f"{ODD}.csv")
        for command in (
            ("train", recipe, *data, "--runs-dir", runs),
            ("evaluate", run, "--runs-dir", runs),
            ("predict", f"{run}/model", "bank shares"),
            ("predict", run, "--input", data[1], "--output", answers),
            ("overview", recipe, *data, "--output", str(folder / "overview")),
            ("prepare", recipe, *data, "--output", str(folder / "rows")),
            ("compare", recipe, "--local", "--runs-dir", runs, "--output", str(folder / "board")),
            ("cards", run, "--output", str(folder / "cards")),
        ):
            result = command_line.run(*command)
            assert result.code == 0, result.err
    assert os.path.isfile(answers)
    assert [*elsewhere.iterdir()] == []


@pytest.mark.hostile
def test_two_trainings_of_one_recipe_at_once(noisy_csv: Path, tiny_encoder: Path, tmp_path: Path) -> None:
    folder = make_workspace(tmp_path / "work", news=noisy_csv, encoder=tiny_encoder)
    with ThreadPoolExecutor(2) as pool:
        found = [*pool.map(lambda _: run_cli("train", "tiny.yaml", cwd=folder, home=folder, timeout=600), range(2))]
    assert [result.code for result in found] == [0, 0], found
    runs = find_runs("tiny", runs_dir=folder / "runs")
    assert [run.is_complete for run in runs] == [True, True]
    first, second = ((run.model / "model.safetensors").read_bytes() for run in runs)
    assert first == second
    assert (folder / "runs" / "tiny" / "latest").resolve() in {run.path.resolve() for run in runs}


@pytest.mark.parametrize("texts", [["bank", "shares " * 150_000], "x" * 1_000_001])
def test_text_without_end_is_refused(texts: str | list[str], tiny_run: FinishedRun) -> None:
    with pytest.raises(InputError, match="characters"):
        predict(tiny_run.run.path, texts)


@pytest.mark.parametrize("start", ["", '{"title": "'])
def test_line_without_end_is_refused(start: str, tiny_run: FinishedRun, tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    lines.write_text(start)
    os.truncate(lines, 50_000_000)  # the rest is a hole
    with lines.open() as stream, pytest.raises(InputError, match="line 1"):
        predict_file(tiny_run.run.path, stream, tmp_path / "answers.csv")
    assert read_files(tmp_path).keys() == {"lines"}
    assert not name_partial_folder(tmp_path / "answers.csv").exists()
