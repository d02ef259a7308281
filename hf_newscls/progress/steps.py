"""How far a command is. Its steps report here, and the caller decides what is shown; a notebook shows a line by itself.

>>> lines = []
>>> with showing(lambda progress: lines.append(f"{progress.step}: {progress.done} of {progress.total}")):
...     report_progress("reading", 5, 20)
>>> lines
['reading: 5 of 20']
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from hf_newscls.progress.cell_line import CellLine, is_in_notebook

Item = TypeVar("Item")
REDRAW_SECONDS = 0.2


@dataclass(frozen=True)
class StepProgress:
    """How far one step of a command is; it ends when all is done, or another one begins."""

    step: str  # what is done, such as "stage 1"
    done: int
    total: int | None  # None if it is not known
    unit: str  # of both
    note: str  # such as the loss; may be empty


Show = Callable[[StepProgress], None]
_show: ContextVar[Show | None] = ContextVar("show_progress", default=None)


@contextmanager
def showing(show: Show) -> Iterator[None]:
    """Call `show` with each report of progress during the context."""
    token = _show.set(show)
    try:
        yield
    finally:
        _show.reset(token)


def report_progress(step: str, done: int, total: int | None = None, *, unit: str = "rows", note: str = "") -> None:
    """Report that `done` of `total` units are finished; costs nothing if nothing shows it."""
    show = _show.get() or (_cell.show if is_in_notebook() else None)
    if show is not None:
        show(StepProgress(step, done, total, unit, note))


def track(items: Iterable[Item], step: str, *, total: int, unit: str) -> Iterator[Item]:
    """Yield the items, and report each one that the caller has finished.

    >>> [*track("ab", "reading", total=2, unit="letters")]
    ['a', 'b']
    """
    report_progress(step, 0, total, unit=unit)
    for done, item in enumerate(items, start=1):
        yield item
        report_progress(step, done, total, unit=unit)


class Speed:
    """Units a second since the first report of a step; what was done before that one does not count."""

    def __init__(self) -> None:
        self._first: StepProgress | None = None
        self._start = 0.0

    def is_new(self, now: StepProgress) -> bool:
        """Return whether another step begins."""
        return self._first is None or self._first.step != now.step or now.done < self._first.done

    def describe(self, now: StepProgress) -> str:
        """Return the line: step, what is done, speed, time left, note."""
        if self._first is None or self.is_new(now):
            self._first, self._start = now, time.monotonic()
        seconds, done = time.monotonic() - self._start, now.done - self._first.done
        parts = [f"{now.step}: {now.done:,}{'' if now.total is None else f' of {now.total:,}'} {now.unit}"]
        if done and seconds:
            parts.append(f"{_round(done / seconds)} {now.unit}/s")
            if now.total is not None:
                parts.append(f"{timedelta(seconds=round((now.total - now.done) * seconds / done))} left")
        return ", ".join([*parts, now.note] if now.note else parts)


def _round(speed: float) -> str:
    """Return a speed with two digits at least.

    >>> [_round(speed) for speed in (0.0123, 3.14159, 1234.5)]
    ['0.012', '3.1', '1,234']
    """
    return f"{speed:,.0f}" if speed >= 10 else f"{speed:.2g}"


class _CellProgress:
    """The line of the step that runs, in the output of the cell; it is erased when the step ends."""

    def __init__(self) -> None:
        self._line = CellLine()
        self._speed = Speed()
        self._last = 0.0  # when it was drawn

    def show(self, now: StepProgress) -> None:
        """Draw the line if the last one is old enough."""
        text = self._speed.describe(now)
        if now.done == now.total:
            self._line.erase()
        elif time.monotonic() - self._last >= REDRAW_SECONDS:
            self._last = time.monotonic()
            self._line.draw(text, done=now.done, total=now.total)


_cell = _CellProgress()
