"""The last lines of a command: the result in words, and the warnings once."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from hf_newscls.cli.display.summary import collect_warnings, print_summary
from hf_newscls.evaluation.statistics.bootstrap import Interval
from tests.conftest import FinishedRun


@pytest.mark.parametrize(
    ("gain", "words"),
    [((0.01, 0.2), "better than"), ((-0.2, -0.01), "worse than"), ((-0.1, 0.1), "not significantly different from")],
)
def test_result_is_said_in_words(
    gain: tuple[float, float], words: str, tiny_run: FinishedRun, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tiny_run.report.strongest_baseline is not None
    name, baseline = tiny_run.report.strongest_baseline
    changed = replace(baseline, gains={**baseline.gains, "f1_macro": Interval(*gain)})
    report = replace(tiny_run.report, comparisons={**tiny_run.report.comparisons, name: changed})
    print_summary(report, [], path=Path("runs/tiny/1"))
    out, err = capsys.readouterr()
    assert f"{words} {name}" in out
    assert f"{gain[0]:.4f} to {gain[1]:.4f}" in out
    assert f"{report.test.scores['f1_macro']:.4f}" in out
    assert f"{report.test.scores['calibration_error']:.4f}" in out
    assert out.splitlines()[-1].endswith(str(Path("runs/tiny/1/report.html")))
    assert err == ""


def test_result_without_baselines(tiny_run: FinishedRun, capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(replace(tiny_run.report, comparisons={}), [], path=Path())
    assert "TF-IDF" not in capsys.readouterr().out


def test_warnings_are_repeated_once(tiny_run: FinishedRun, capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("hf_newscls.training.fit")
    with collect_warnings() as warnings:
        logger.warning("%d rows are too few", 5)
        logger.warning("%d rows are too few", 5)
        logger.info("a step")
        logging.getLogger("other").warning("of a library")
    logger.warning("too late")
    assert warnings == ["5 rows are too few"]
    print_summary(tiny_run.report, warnings, path=Path())
    assert capsys.readouterr().err.count("5 rows are too few") == 1
