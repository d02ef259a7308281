"""How far a command is. Its steps report here, and the caller decides what is shown.

>>> lines = []
>>> with showing(lambda progress: lines.append(f"{progress.step}: {progress.done} of {progress.total}")):
...     report_progress("reading", 5, 20)
>>> lines
['reading: 5 of 20']
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")


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
    show = _show.get()
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
