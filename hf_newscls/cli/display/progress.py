"""The progress of a command: a line with a bar on a terminal, else a log line a minute at most."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn

from hf_newscls.cli.display.terminal import messages
from hf_newscls.distributed import is_main_rank
from hf_newscls.progress import REDRAW_SECONDS, Show, Speed, StepProgress, showing

_LOG_SECONDS = 60

logger = logging.getLogger(__name__)


@contextmanager
def show_progress() -> Iterator[None]:
    """Show what the steps of a command report during the context."""
    if not is_main_rank():
        yield
    elif messages.is_interactive and messages.file.isatty():  # FORCE_COLOR makes a terminal of a log
        bar = _Bar()
        try:
            with showing(bar.show):
                yield
        finally:
            bar.erase()
    else:
        with showing(_build_log()):
            yield


class _Bar:
    """The line of the step that runs. It is erased when the step ends: downloads and tables have the screen then."""

    def __init__(self) -> None:
        self._drawn: Progress | None = None
        self._speed = Speed()
        self._last = 0.0  # when it was drawn

    def show(self, now: StepProgress) -> None:
        """Draw the line if the last one is old enough."""
        is_new, text = self._speed.is_new(now), self._speed.describe(now)
        if is_new or self._drawn is None:
            self.erase()
            # Not drawn by a thread of its own, which would take time from the training.
            columns = (BarColumn(12), TextColumn("{task.description}", markup=False))
            self._drawn = Progress(*columns, console=messages, transient=True, auto_refresh=False)
            self._drawn.add_task(text, total=now.total, completed=now.done)
            self._drawn.start()
        is_finished = now.done == now.total
        is_due = is_new or is_finished or time.monotonic() - self._last >= REDRAW_SECONDS
        if is_due:
            self._last = time.monotonic()
            task = self._drawn.task_ids[0]
            self._drawn.update(task, description=text, total=now.total, completed=now.done, refresh=True)
        if is_finished:
            self.erase()

    def erase(self) -> None:
        """Remove the line from the screen."""
        if self._drawn is not None:
            self._drawn.stop()
            self._drawn = None


def _build_log() -> Show:
    speed, last = Speed(), time.monotonic()

    def log(now: StepProgress) -> None:
        """Log a line if the last one is a minute old."""
        nonlocal last
        text = speed.describe(now)
        if time.monotonic() - last >= _LOG_SECONDS:
            last = time.monotonic()
            logger.info("%s", text)

    return log
