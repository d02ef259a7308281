"""The program: the list of commands, logging, and errors and signals as messages."""

import io
import logging
import os
import re
import shlex
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from hf_newscls.cli.compare import compare
from hf_newscls.cli.display.progress import show_progress
from hf_newscls.cli.display.terminal import make_printable, messages, name_program
from hf_newscls.cli.explain import explain
from hf_newscls.cli.export import export
from hf_newscls.cli.jobs import jobs
from hf_newscls.cli.predict import predict
from hf_newscls.cli.recipes import doctor, overview, prepare, recipes, show
from hf_newscls.cli.runs import copy_cards, demo, list_runs, open_report
from hf_newscls.cli.train import evaluate, publish, train
from hf_newscls.cli.tune import tune
from hf_newscls.distributed import is_main_rank
from hf_newscls.errors import InputError, NewsclsError, shorten_text
from hf_newscls.storage import report_disk_errors


class _WithoutFlagTypes:
    """A command with a help that shows no type for flags: `<bool>` looks like a value to type."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return arguments and options, with `--help`."""
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if getattr(param, "is_flag", False):
                param.metavar = ""
        return params


class _Group(_WithoutFlagTypes, TyperGroup):
    """The program."""


class _Command(_WithoutFlagTypes, TyperCommand):
    """One of its commands."""


app = typer.Typer(
    name="hf-newscls",
    cls=_Group,
    help="Fine-tune a text classifier on labeled news articles, and publish it on the Hugging Face Hub.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# In the order of `--help`, each with examples.
_COMMANDS = (
    (recipes, ()),
    (show, ("hf-newscls show fake_news_minilm training_arguments.learning_rate=1e-5",)),
    (overview, ("hf-newscls overview quickstart",)),
    (prepare, ("hf-newscls prepare quickstart --output prepared", "hf-newscls prepare quickstart --publish me/news")),
    (
        train,
        (
            "hf-newscls train quickstart",
            "hf-newscls train fake_news_minilm --data news.csv --dry-run",
            "hf-newscls train fake_news_roberta --on l4x1 --timeout 2h",
        ),
    ),
    (tune, ("hf-newscls tune fake_news_minilm --trials 30 --hours 2",)),
    (evaluate, ("hf-newscls evaluate quickstart", "hf-newscls evaluate fake_news_minilm --on liar_minilm_binary")),
    (open_report, ("hf-newscls open quickstart",)),
    (
        predict,
        (
            "hf-newscls predict quickstart 'Rail strike ends after nine days'",
            "hf-newscls predict quickstart --input test.csv --output answers.csv",
        ),
    ),
    (explain, ("hf-newscls explain quickstart 'Rail strike ends after nine days'",)),
    (export, ("hf-newscls export quickstart --int8",)),
    (demo, ("hf-newscls demo quickstart",)),
    (publish, ("hf-newscls publish quickstart --repo-id my-name/quickstart",)),
    (
        compare,
        (
            "hf-newscls compare fake_news_minilm fake_news_roberta --local",
            "hf-newscls compare quickstart --author me --output leaderboard",
        ),
    ),
    (list_runs, ("hf-newscls runs",)),
    (copy_cards, ("hf-newscls cards quickstart fake_news_minilm --output model_cards",)),
    (doctor, ()),
)
_NAMES = {open_report: "open", list_runs: "runs", copy_cards: "cards"}
for _command, _examples in _COMMANDS:
    _epilog = "\n\n".join(["Examples:", *_examples]) if _examples else None
    app.command(_NAMES.get(_command), cls=_Command, epilog=_epilog)(_command)
for _registered in jobs.registered_commands:
    _registered.cls = _Command
app.add_typer(jobs, name="jobs", cls=_Group)

_UNEXPECTED = 70  # EX_SOFTWARE of sysexits.h
# What torch says of a GPU and of a CPU, the system, and the loader of libraries.
_NO_MEMORY = re.compile("out of memory|allocate memory|failed to map segment", re.IGNORECASE)

_RENAMED_OPTIONS = {
    "--fresh": "--no-resume",
    "--evaluate": "--external-model",
    "--push": "--publish",
    "--no-private": "--public",
}


def main() -> None:
    """Run the command line; an error, or a signal, ends with one message and its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A character that the terminal cannot show is written as its number.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        with _stopping_on_signals(), report_disk_errors(Path("standard output")):
            _check_arguments(sys.argv[1:])
            app()
    except NewsclsError as error:
        _print_message("error:", str(error))
        sys.exit(error.exit_code)
    except Exception as error:  # nothing above it reports errors
        if isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)):
            _print_message("error:", "not enough memory; close other programs, or use a smaller file, model or batch")
            sys.exit(InputError.exit_code)
        _report_unexpected(error)
        sys.exit(_UNEXPECTED)


def _report_unexpected(error: Exception) -> None:
    """Print one line about an error that is a fault of this program, and keep its traceback in a file."""
    reason = f"{type(error).__name__}: {shorten_text(error)}" if str(error) else type(error).__name__
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="hf-newscls-", suffix=".log", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as log:
            log.write("".join(traceback.format_exception(error)))
        _print_message("unexpected error:", f"{reason}; the traceback is in {log.name}")
    except OSError:  # no temporary folder, or a full disk
        _print_message("unexpected error:", reason)


@contextmanager
def _stopping_on_signals() -> Iterator[None]:
    """End with a message on Ctrl-C and SIGTERM; half-written files are removed. A training has handlers of its own."""

    def stop(number: int, frame: FrameType | None) -> None:
        """Leave with the exit code that a shell gives to a command ended by this signal."""
        command = f"{name_program()} {shlex.join(sys.argv[1:])}"
        _print_message("stopped:", f"{signal.Signals(number).name} received; to continue, run again: {command}")
        sys.exit(128 + number)

    # Python handles signals in the main thread only; torch_xla may call `main` in another one.
    is_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM) if is_main}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print_message(title: str, message: str) -> None:
    if is_main_rank():
        messages.print(f"[red]{title}[/] {make_printable(message)}", highlight=False, soft_wrap=True)


def _check_arguments(arguments: Sequence[str]) -> None:
    for argument in arguments:
        if not argument.isascii() and argument != argument.encode(errors="replace").decode():
            raise InputError(f"argument {argument.encode(errors='replace').decode()!r} is not UTF-8; convert it")
    for argument in takewhile(lambda argument: argument != "--", arguments):
        name = argument.partition("=")[0]
        if name in _RENAMED_OPTIONS:
            raise InputError(f"{name}: this option is now called {_RENAMED_OPTIONS[name]}")


class _Log(logging.Handler):
    """Prints records on the console of the progress, which keeps them apart from its line."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        messages.print(self.format(record), markup=False, highlight=False, soft_wrap=True)


@app.callback()
def _configure(
    context: typer.Context,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Also show messages of the libraries, such as transformers.")
    ] = False,
) -> None:
    """Set up logging and progress for all commands."""
    log = _Log()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S", handlers=[log])
    context.with_resource(show_progress())
    logging.getLogger("hf_newscls").setLevel(logging.INFO if is_main_rank() else logging.WARNING)
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "warning" if verbose else "error")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "0" if verbose else "1")
    if not verbose:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
