"""The progress as a person sees it: on a terminal, and in a log."""

import fcntl
import logging
import os
import pty
import struct
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hf_newscls.cli.display.progress import show_progress
from hf_newscls.cli.display.terminal import messages
from hf_newscls.progress import report_progress
from hf_newscls.recipe.recipe import Recipe
from tests.processes import build_environment
from tests.screens import Screen, open_terminal
from tests.tiny_models import prepare_run
from tests.training.test_fit import fit

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], Screen]:
    """Call a function on a terminal of 120 columns, and return the screen."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("NO_COLOR", raising=False)

    def run(function: Callable[[], object]) -> Screen:
        with open_terminal() as (stream, screen), monkeypatch.context() as context:
            context.setattr(sys, "stderr", stream)
            # What rich found at its import: no terminal, and perhaps a width.
            context.setattr(messages, "is_interactive", True)
            context.setattr(messages, "_width", None)
            with show_progress():
                function()
        return screen

    return run


def find_lines(screen: Screen, start: str) -> list[str]:
    """Return the lines that were on the screen and have a bar and a text that begins like this."""
    lines = (line.lstrip("━╸╺ ") for shown in screen.history for line in shown.splitlines() if line[:1] in "━╸╺")
    return [line for line in dict.fromkeys(lines) if line.startswith(start)]


def test_training_shows_both_stages(
    make_recipe: Callable[..., Recipe], news_rows: Any, tmp_path: Path, terminal: Callable[..., Screen]
) -> None:
    # 48 rows in batches of 8: six steps of stage 1, twelve of stage 2.
    run = prepare_run(make_recipe(), news_rows, tmp_path, train=48, validation=18)
    screen = terminal(lambda: fit(run))
    assert find_lines(screen, "stage 1, features: 66 of 66 rows")
    assert "loss" in find_lines(screen, "stage 1: 6 of 6 steps")[-1]
    assert "loss" in find_lines(screen, "stage 2: 12 of 12 steps")[-1]
    assert find_lines(screen, "validation: 1 of 1 batches")
    assert screen.text == ""  # nothing is left


def test_line_has_speed_and_time_left(terminal: Callable[..., Screen]) -> None:
    screen = terminal(lambda: [report_progress("reading", done, 100) for done in (0, 50, 100)])
    (last,) = find_lines(screen, "reading: 100 of 100 rows, ")
    assert "rows/s" in last
    assert "left" in last


def test_line_fits_a_narrow_terminal(terminal: Callable[..., Screen], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    screen = terminal(lambda: report_progress("hashing texts to find duplicates", 5, 20, note="a long note"))
    assert max(map(len, "\n".join(screen.history).splitlines())) == 40


def test_other_output_is_not_mixed_with_the_line(terminal: Callable[..., Screen]) -> None:
    def work() -> None:
        """Write to standard error while a line is shown."""
        report_progress("reading", 5, 20)
        sys.stderr.write("a line of a library\n")

    screen = terminal(work)
    assert screen.text == "a line of a library"
    assert find_lines(screen, "reading: 5 of 20 rows")


def test_line_is_erased_after_an_error(terminal: Callable[..., Screen]) -> None:
    def fail() -> None:
        """Fail while a line is shown."""
        report_progress("reading", 5, 20)
        raise OSError("the disk is gone")

    def run() -> None:
        """Raise through the display."""
        with pytest.raises(OSError, match="gone"), show_progress():
            fail()

    assert terminal(run).text == ""


def test_log_has_a_line_a_minute_at_most(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = iter([0.0])
    now = [0.0]
    monkeypatch.setattr("hf_newscls.cli.display.progress.time.monotonic", lambda: next(seconds, now[0]))
    with caplog.at_level(logging.INFO, logger="hf_newscls"), show_progress():
        for second in range(150):
            now[0] = float(second)
            report_progress("stage 2", second, 300, unit="steps", note="loss 0.5000")
    assert [record.getMessage() for record in caplog.records] == [
        "stage 2: 60 of 300 steps, 1 steps/s, 0:04:00 left, loss 0.5000",
        "stage 2: 120 of 300 steps, 1 steps/s, 0:03:00 left, loss 0.5000",
    ]
    assert capsys.readouterr() == ("", "")


@pytest.mark.slow
def test_whole_training_on_a_terminal(make_recipe: Callable[..., Recipe], tmp_path: Path, fresh_home: Path) -> None:
    make_recipe()  # writes the file
    command = [sys.executable, "-m", "hf_newscls", "train", "tiny.yaml"]
    child, ours = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
        environment = build_environment(fresh_home, TERM="xterm", PYTHONPATH=os.pathsep.join(sys.path))
        environment.pop("NO_COLOR")
        os.execve(command[0], command, environment)
    written = b""
    try:
        while block := os.read(ours, 65536):
            written += block
    except OSError:
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, written.decode()
    screen = Screen()
    screen.feed(written.decode())
    for step in (
        "reading news.csv: 120 of 120 rows",
        "hashing texts to find duplicates: 120 of 120 rows",
        "comparing similar texts: ",
        "tokenizing train: 72 of 72 rows",
        "stage 1, features: 96 of 96 rows",
        "stage 1: 9 of 9 steps",
        "stage 2: 18 of 18 steps",
        "validation: 1 of 1 batches",
        "encoding: 72 of 72 texts",
        "predicting: 24 of 24 texts",
        "baselines: 3 of 3 models",
        "bootstrap: 100 of 100 resamples",
        "figures: 8 of 8 files",
    ):
        assert find_lines(screen, step), step
    assert not [line for line in screen.lines if line[:1] in "━╸╺" and line]
