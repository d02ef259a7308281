"""A line in the output of a notebook cell that is drawn again in its place."""

import multiprocessing
import sys
from html import escape
from typing import Any


class CellLine:
    """One line with a bar; a cell has one output for it, however often it is drawn and erased."""

    def __init__(self) -> None:
        self._cell: int | None = None  # the number of the cell that `_output` is in
        self._output: Any = None

    def draw(self, text: str, *, done: int, total: int | None) -> None:
        """Draw the line; without a total the bar shows no end."""
        values = "" if total is None else f' value="{done}" max="{total}"'
        self._show(text, f"<progress{values}></progress> <code>{escape(text)}</code>")

    def erase(self) -> None:
        """Leave the output empty."""
        self._show("", "")

    def _show(self, text: str, html: str) -> None:
        from IPython import display, get_ipython

        content = {"text/plain": text, "text/html": html}
        cell = get_ipython().execution_count
        if cell != self._cell:
            self._cell, self._output = cell, display.display(content, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._output.update(content, raw=True)


def is_in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook; its forks cannot draw, and a shell has no cells."""
    if "IPython" not in sys.modules or multiprocessing.parent_process() is not None:
        return False
    shell = sys.modules["IPython"].get_ipython()
    return shell is not None and "IPKernelApp" in shell.config
