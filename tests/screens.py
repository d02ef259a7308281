"""A pseudo-terminal, and what a person sees on it."""

import os
import pty
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_TOKEN = re.compile(r"\x1b\[(?P<number>[?\d;]*)(?P<command>[A-Za-z])|\r|\n|[^\x1b\r\n]+")


class Screen:
    """The lines of a terminal without a right border, and every content that was on it."""

    def __init__(self) -> None:
        self.lines = [""]
        self.history: list[str] = []
        self._row = self._column = 0

    @property
    def text(self) -> str:
        """What is on the screen now, without empty lines at the end."""
        return "\n".join(self.lines).rstrip()

    def feed(self, output: str) -> None:
        """Show what a program writes; a control sequence that is not known here is an error."""
        assert "".join(match[0] for match in _TOKEN.finditer(output)) == output, output
        for match in _TOKEN.finditer(output):
            if match[0] == "\r":
                self._column = 0
            elif match[0] == "\n":
                self._row += 1
                self.lines += [""] * (self._row == len(self.lines))
            elif match["command"] is None:
                self._write(match[0])
            else:
                self._control(match["command"], match["number"])

    def _write(self, text: str) -> None:
        line = self.lines[self._row].ljust(self._column)
        self.lines[self._row] = line[: self._column] + text + line[self._column + len(text) :]
        self._column += len(text)
        self.history.append("\n".join(self.lines))

    def _control(self, command: str, number: str) -> None:
        if command == "A":
            self._row -= int(number)
        elif (command, number) == ("K", "2"):
            self.lines[self._row] = ""
        else:
            assert (command, number) in {("h", "?25"), ("l", "?25")} or command == "m", (command, number)


@contextmanager
def open_terminal() -> Iterator[tuple[TextIO, Screen]]:
    """Yield the stream of a new pseudo-terminal, and its screen, which is complete after the context."""
    ours, theirs = pty.openpty()
    written: list[bytes] = []

    def read() -> None:
        """Read until the other end is closed."""
        try:
            while block := os.read(ours, 65536):
                written.append(block)
        except OSError:  # how Linux reports the end of a pseudo-terminal
            return

    reader, screen = threading.Thread(target=read), Screen()
    reader.start()
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        yield stream, screen
    reader.join()
    os.close(ours)
    screen.feed(b"".join(written).decode())
