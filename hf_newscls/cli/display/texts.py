"""Texts from the command line and from standard input."""

import logging
import os
import re
import sys
from collections.abc import Iterator
from itertools import chain
from typing import Annotated, TextIO

import typer

from hf_newscls import workflow
from hf_newscls.cli.display.terminal import console, make_printable
from hf_newscls.errors import InputError

_SHOWN_CHARACTERS = 1000
_HEADER = re.compile(r"""["']?[^\W\d]\w*["']?(([,;|\t])["']?[^\W\d]\w*["']?)+""")

TextsArgument = Annotated[
    list[str] | None,
    typer.Argument(help="One or more texts; without any, each line of standard input is a text.", metavar="TEXT"),
]

logger = logging.getLogger(__name__)


def print_text(text: str) -> None:
    """Print a text, or the beginning of a long one, as a heading."""
    shown = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}… ({len(text):,} characters)"
    console.print(make_printable(shown), style="bold", highlight=False, soft_wrap=True)


def check_arguments(texts: list[str]) -> list[str]:
    """Return the texts; refuse the name of a file, which would be taken for a text.

    Raises:
        InputError: a text is an existing file.
    """
    for text in texts:
        if os.path.isfile(text):
            raise InputError(
                f"text {text!r} is an existing file, which would not be read; to predict its rows, write `predict "
                f"MODEL --input {text} --output answers.csv`; to take each of its lines as a text, `< {text}`"
            )
    return texts


def read_texts() -> Iterator[str]:
    """Yield the lines of standard input as they come, stripped; an empty line is "".

    The lines up to the first text are read at once, so that a wrong input is refused before anything else is done.

    Raises:
        InputError: a line is not UTF-8, the first one is the header of a table, or there is no text.
    """
    stream = find_standard_input()
    if stream.isatty():
        logger.info("reading one text per line from standard input, until Ctrl-D")
    lines = map(str.strip, workflow.iterate_lines(stream))
    read = _read_to_text(lines)
    if not read or not read[-1]:
        raise InputError(f"standard input: no text in {len(read)} lines; pass texts as arguments, or one in each line")
    if match := _HEADER.fullmatch(read[-1]):
        header, following = read[-1], _read_to_text(lines)
        read += following
        if following and following[-1].count(match[2]) >= header.count(match[2]):
            raise InputError(
                f"standard input: the first line {header[:80]!r} is the header of a table, and the line below has its "
                "columns; for a table use --input FILE --output answers.csv; else pass one text per line, without a "
                "header"
            )
    return chain(read, lines)


def find_standard_input() -> TextIO:
    """Return standard input.

    Raises:
        InputError: the caller closed it.
    """
    # Its type says that it is always there, but Python sets it to None.
    stream: TextIO | None = sys.stdin
    if stream is None:
        raise InputError("standard input: closed; pass texts as arguments, or one in each line of standard input")
    return stream


def _read_to_text(lines: Iterator[str]) -> list[str]:
    """Return the next lines up to the first one that is not empty."""
    read: list[str] = []
    for line in lines:
        read.append(line)
        if line:
            break
    return read
