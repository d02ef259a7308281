"""The last lines of a training or an evaluation: the result in words, the warnings, the files."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hf_newscls.cli.display.terminal import make_printable, messages, print_line
from hf_newscls.evaluation.metric_names import name_metric

if TYPE_CHECKING:
    from hf_newscls.evaluation.report import EvaluationReport
    from hf_newscls.evaluation.statistics.bootstrap import Interval

_DECIDING = "f1_macro"


class _Collector(logging.Handler):
    """Keeps the messages of warnings and errors."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message; the same one only once."""
        if (message := record.getMessage()) not in self.messages:
            self.messages.append(message)


@contextmanager
def collect_warnings() -> Iterator[Sequence[str]]:
    """Yield a list that gets the warnings of this package during the context."""
    logger, collector = logging.getLogger("hf_newscls"), _Collector()
    logger.addHandler(collector)
    try:
        yield collector.messages
    finally:
        logger.removeHandler(collector)


def print_summary(report: "EvaluationReport", warnings: Sequence[str], *, path: Path) -> None:
    """Print the result in words, the warnings again, and the report's path."""
    scores, interval = report.test.scores, report.intervals[_DECIDING]
    print_line(f"result: {name_metric(_DECIDING)} {scores[_DECIDING]:.4f} (95% interval: {interval})")
    if report.strongest_baseline:
        name, baseline = report.strongest_baseline
        gain, of_gain = scores[_DECIDING] - baseline.scores[_DECIDING], baseline.gains[_DECIDING]
        print_line(f"        {_judge(of_gain)} {name}, the strongest TF-IDF baseline on validation:")
        print_line(f"        gain {gain:+.4f} (95% interval: {of_gain})")
    error = scores["calibration_error"]
    print_line(f"        expected calibration error {error:.4f}, {_describe_calibration(report)}")
    if warnings:
        messages.print(f"[yellow]warnings of this run: {len(warnings)}[/]", highlight=False)
        for warning in warnings:
            messages.print(f"- {make_printable(warning)}", highlight=False, soft_wrap=True)
    print_line(f"report: {path / 'report.html'}")


def _judge(gain: "Interval") -> str:
    if gain.low > 0:
        return "better than"
    return "worse than" if gain.high < 0 else "not significantly different from"


def _describe_calibration(report: "EvaluationReport") -> str:
    calibration = report.calibration
    if calibration.temperature == 1:
        return "no temperature"
    before = calibration.scores_before["calibration_error"]
    return f"{before:.4f} before the temperature of {calibration.temperature:.3f}"
