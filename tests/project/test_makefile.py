"""The Makefile passes variables on to the command line."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


def dry_run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Print what a target would run."""
    command = ["make", "--dry-run", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)


@pytest.mark.parametrize(("variable", "is_published"), [("PUBLISH=1", True), ("PUBLISH=0", False), ("PUSH=0", False)])
def test_publish_is_passed_on(variable: str, is_published: bool) -> None:
    result = dry_run("train", "RECIPE=quickstart", variable)
    assert result.returncode == 0, result.stderr
    (line,) = [line for line in result.stdout.splitlines() if "hf-newscls train" in line]
    assert ("--publish" in line) == is_published


def test_files_are_passed_on() -> None:
    result = dry_run("predict", "RECIPE=quickstart", "INPUT=test.csv", "OUTPUT=answers.csv", "ARGS=--top-k 2")
    assert result.returncode == 0, result.stderr
    (line,) = [line for line in result.stdout.splitlines() if "hf-newscls predict" in line]
    ended = subprocess.run(
        ["sh", "-c", line.partition(";")[2].replace(line.partition(";")[2].split()[0], "echo", 1)],
        env={"RECIPE": "quickstart", "INPUT": "my test.csv", "OUTPUT": "answers.csv"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert ended.stdout.split(" ", 2)[2] == "--input my test.csv --output answers.csv --top-k 2\n"


@pytest.mark.parametrize("target", ["train", "evaluate"])
def test_only_the_target_cards_writes_published_cards(target: str) -> None:
    assert "cards" not in dry_run(target, "RECIPE=quickstart").stdout
    assert "hf-newscls cards" in dry_run("cards", "RECIPE=quickstart").stdout


def test_old_name_of_publish_is_refused() -> None:
    result = dry_run("train", "RECIPE=quickstart", "PUSH=1")
    assert result.returncode == 2
    assert "PUBLISH=1" in result.stderr


@pytest.mark.parametrize(
    ("target", "variables", "expected"),
    [
        ("predict", ("RUN", "TEXT"), "predict {0} {0}"),
        ("predict", ("RUN", "INPUT", "OUTPUT"), "predict {0} --input {0} --output {0}"),
        ("train", ("RECIPE", "DATA"), "train {0} --data {0}"),
    ],
)
@pytest.mark.parametrize(
    "value", ["a; touch taken", "$(shell touch taken)", "`touch taken`", "it costs $5", "a'b\"c", "two\nlines", "$$(x)"]
)
def test_values_reach_the_program_as_they_are(
    target: str, variables: Sequence[str], expected: str, value: str, tmp_path: Path
) -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    program = tmp_path / ".venv" / "bin" / "hf-newscls"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nprintf '%s\\0' \"$@\"\n")
    program.chmod(0o755)
    (tmp_path / ".venv" / ".installed").touch()
    command = ["make", "--no-print-directory", target, *(f"{name}={value}" for name in variables)]
    # Under `make test`, make hands its flags and variables to this one.
    handed = ("MAKE", "MFLAGS", "ARGS", "RECIPE", "DATA", "INPUT", "OUTPUT")
    environment = {name: text for name, text in os.environ.items() if not name.startswith(handed)}
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", check=True)
    assert result.stdout.split("\0") == [part.format(value) for part in expected.split()] + [""]
    assert not (tmp_path / "taken").exists()
