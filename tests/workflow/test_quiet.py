"""Other libraries stay quiet while the package works, and then do what they did before."""

import re
from pathlib import Path

import datasets
import pytest
from huggingface_hub.utils.tqdm import are_progress_bars_disabled
from transformers.utils import logging

from hf_newscls.workflow.quiet import quiet_libraries
from tests.conftest import FinishedRun
from tests.processes import run_python


def describe() -> tuple[int, bool, bool, bool]:
    bars = logging.is_progress_bar_enabled(), not datasets.are_progress_bars_disabled()
    return logging.get_verbosity(), *bars, not are_progress_bars_disabled()


@pytest.fixture(autouse=True)
def _chatty(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a notebook: no variable says anything, and all bars are on."""
    for name in ("TRANSFORMERS_VERBOSITY", "HF_DATASETS_DISABLE_PROGRESS_BARS"):
        monkeypatch.delenv(name, raising=False)
    logging.enable_progress_bar()


def test_libraries_are_quiet_inside_and_unchanged_after() -> None:
    before = describe()
    with quiet_libraries(), quiet_libraries():
        # Downloads keep their bars.
        assert describe() == (logging.ERROR, False, False, True)
    assert describe() == before


def test_verbosity_that_a_user_sets_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRANSFORMERS_VERBOSITY", "info")
    before = logging.get_verbosity()
    with quiet_libraries():
        assert logging.get_verbosity() == before


@pytest.mark.slow
def test_evaluation_in_python_prints_nothing(tiny_run: FinishedRun, tmp_path: Path) -> None:
    code = "import sys, hf_newscls; hf_newscls.predict(hf_newscls.evaluate(sys.argv[1]), ['goal'])"
    result = run_python(code, str(tiny_run.run.path), cwd=tmp_path, home=tmp_path)
    assert result.code == 0, result.err
    assert result.out == ""
    assert not re.search(r"LOAD REPORT|\[transformers\]|%\|", result.err), result.err
