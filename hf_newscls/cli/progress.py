"""The progress of a command over many rows: a bar on a terminal, else a log line a minute."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from hf_newscls.cli.terminal import messages

_LOG_SECONDS = 60

logger = logging.getLogger(__name__)

OnProgress = Callable[[int, int | None], None]


@contextmanager
def show_progress() -> Iterator[OnProgress]:
    """Yield a function that takes the number of finished rows, and of all rows, and shows them with the speed."""
    if not messages.is_terminal:
        yield _log_progress()
        return
    columns = (BarColumn(), TextColumn("{task.description}", markup=False), TimeRemainingColumn(compact=True))
    with Progress(*columns, console=messages, transient=True) as progress:
        yield _draw_progress(progress)


def _draw_progress(progress: Progress) -> OnProgress:
    task, describe = progress.add_task("reading the rows", total=None), _describe_speed()

    def show(done: int, total: int | None) -> None:
        """Update the bar."""
        progress.update(task, completed=done, total=total, description=describe(done, total))

    return show


def _log_progress() -> OnProgress:
    describe, last = _describe_speed(), time.monotonic()

    def log(done: int, total: int | None) -> None:
        """Log a line if the last one is a minute old."""
        nonlocal last
        line = describe(done, total)
        if time.monotonic() - last >= _LOG_SECONDS:
            last = time.monotonic()
            logger.info("%s", line)

    return log


def _describe_speed() -> Callable[[int, int | None], str]:
    """Return a function that gives a line; the rows of its first call were finished before."""
    first: list[tuple[int, float]] = []

    def describe(done: int, total: int | None) -> str:
        """Return finished rows, all rows, and rows a second."""
        first.append((done, time.monotonic()))
        rows, seconds = done - first[0][0], time.monotonic() - first[0][1]
        counted = f"{done:,} rows" if total is None else f"{done:,} of {total:,} rows"
        return f"{counted}, {rows / seconds:,.0f} rows/s" if rows and seconds else counted

    return describe
