"""The commands for texts: predict, explain."""

import logging
import os
import re
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from hf_newscls import workflow
from hf_newscls.cli.terminal import RUNS, RunsDirOption, console, make_printable
from hf_newscls.errors import InputError, format_examples

_SHOWN_CHARACTERS = 1000
_HEADER = re.compile(r"""["']?[^\W\d]\w*["']?(([,;|\t])["']?[^\W\d]\w*["']?)+""")
_FROM_PYTHON = "for a column of a table call `hf_newscls.predict` from Python"

ModelArgument = Annotated[
    str,
    typer.Argument(
        help="A recipe with a finished run, a run folder, a model folder, or a model on the Hub (owner/name).",
        metavar="MODEL",
    ),
]
TextsArgument = Annotated[
    list[str] | None,
    typer.Argument(help="One or more texts; without any, each line of standard input is a text.", metavar="TEXT"),
]

logger = logging.getLogger(__name__)


def predict(
    model: ModelArgument,
    texts: TextsArgument = None,
    top_k: Annotated[int, typer.Option(min=1, help="Number of labels to print for each text.")] = 3,
    runs_dir: RunsDirOption = RUNS,
) -> None:
    """Print the most probable labels of each text, with the model's probabilities."""
    found = _check_arguments(texts) if texts else _read_lines()

    for prediction in workflow.predict(model, found, top_k=top_k, runs_dir=runs_dir):
        _print_text(prediction.text)
        for label, probability in zip(prediction.labels, prediction.probabilities, strict=True):
            console.print(f"  {probability:7.2%}  {make_printable(label)}", highlight=False)


def explain(
    model: ModelArgument,
    texts: TextsArgument = None,
    label: Annotated[str | None, typer.Option(help="Label to explain; by default the most probable one.")] = None,
    top: Annotated[int, typer.Option(min=1, help="Number of words to print.")] = 10,
    samples: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of random word orders to try; more are slower and more exact.",
            show_default="about 2,000 predictions in all",
        ),
    ] = None,
    runs_dir: RunsDirOption = RUNS,
) -> None:
    """Print the words with the largest effect on a prediction (Shapley values). Needs the extra `explain`."""
    found = _check_arguments(texts) if texts else _read_lines()

    for one in workflow.explain(model, found, label=label, samples=samples, runs_dir=runs_dir):
        _print_text(one.text)
        console.print(f"  {one.attribution.probability:6.0%}  {make_printable(one.label)}", highlight=False)
        console.print(f"  {one.attribution.empty_probability:6.0%}  without any word", highlight=False)
        words = sorted(one.attribution.contributions, key=lambda word: -abs(word.value))
        for word in words[:top]:
            console.print(f"  {word.value:+6.0%}  {make_printable(word.words)}", highlight=False, soft_wrap=True)
        if rest := words[top:]:
            console.print(f"  {sum(word.value for word in rest):+6.0%}  {len(rest):,} others", highlight=False)


def _print_text(text: str) -> None:
    """Print a text, or the beginning of a long one, as a heading."""
    shown = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}… ({len(text):,} characters)"
    console.print(make_printable(shown), style="bold", highlight=False, soft_wrap=True)


def _check_arguments(texts: list[str]) -> list[str]:
    for text in texts:
        if os.path.isfile(text):
            raise InputError(
                f"text {text!r} is an existing file, which would not be read; to take each of its lines as a text, "
                f"pass it as standard input: `< {text}`; {_FROM_PYTHON}"
            )
    return texts


def _read_lines() -> list[str]:
    """Return the lines of standard input, without empty ones, which are reported.

    Raises:
        InputError: it is closed, a line is not UTF-8, the first one is the header of a table, or there is no text.
    """
    if sys.stdin is None:
        raise InputError("standard input: closed; pass texts as arguments, or one in each line of standard input")
    if sys.stdin.isatty():
        logger.info("reading one text per line from standard input, until Ctrl-D")
    lines: list[str] = []
    try:
        for line in sys.stdin:
            line.encode()  # in an ASCII locale, other bytes arrive as surrogates
            lines.append(line.strip())
    except UnicodeError as error:
        raise InputError(
            f"standard input: line {len(lines) + 1} is not UTF-8; convert it, for example with iconv"
        ) from error
    if not any(lines):
        raise InputError(f"standard input: no text in {len(lines)} lines; pass texts as arguments, or one in each line")
    _refuse_table(lines)
    if empty := [number for number, line in enumerate(lines, start=1) if not line]:
        logger.warning(
            "standard input: %s of %s lines are empty and get no prediction: %s",
            f"{len(empty):,}",
            f"{len(lines):,}",
            format_examples(empty),
        )
    return [line for line in lines if line]


def _refuse_table(lines: Sequence[str]) -> None:
    header, *rows = (line for line in lines if line)
    match = _HEADER.fullmatch(header)
    if match and rows and all(row.count(match[2]) >= header.count(match[2]) for row in rows):
        raise InputError(
            f"standard input: the first line {header[:80]!r} is the header of a table, and the lines below have its "
            f"columns; pass one text per line, without a header; {_FROM_PYTHON}"
        )
