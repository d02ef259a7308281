"""The program: the list of commands, logging, and errors as messages."""

import logging
import os
import sys
from collections.abc import Sequence
from itertools import takewhile
from typing import Annotated

import typer

from hf_newscls.cli.compare import compare
from hf_newscls.cli.doctor import doctor
from hf_newscls.cli.predict import explain, predict
from hf_newscls.cli.publish import publish
from hf_newscls.cli.recipes import overview, prepare, recipes, show
from hf_newscls.cli.terminal import make_printable, messages
from hf_newscls.cli.train import evaluate, train
from hf_newscls.distributed import is_main_rank
from hf_newscls.errors import InputError, NewsclsError

app = typer.Typer(
    name="hf-newscls",
    help="Turn a news file into a fine-tuned classifier on the Hugging Face Hub.",
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
    (train, ("hf-newscls train quickstart", "hf-newscls train fake_news_minilm --data news.csv --dry-run")),
    (evaluate, ("hf-newscls evaluate quickstart",)),
    (predict, ("hf-newscls predict quickstart 'Rail strike ends after nine days'",)),
    (explain, ("hf-newscls explain quickstart 'Rail strike ends after nine days'",)),
    (publish, ("hf-newscls publish quickstart --repo-id my-name/quickstart",)),
    (
        compare,
        (
            "hf-newscls compare fake_news_minilm fake_news_roberta --local",
            "hf-newscls compare quickstart --author me --output leaderboard",
        ),
    ),
    (doctor, ()),
)
for _command, _examples in _COMMANDS:
    app.command(epilog="\n\n".join(["Examples:", *_examples]) if _examples else None)(_command)

_RENAMED_OPTIONS = {"--fresh": "--no-resume", "--evaluate": "--external-model", "--push": "--publish"}


def main() -> None:
    """Run the command line; an error of ours ends with one message and its exit code."""
    try:
        _refuse_renamed_options(sys.argv[1:])
        app()
    except NewsclsError as error:
        if is_main_rank():
            messages.print(f"[red]error:[/] {make_printable(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)


def _refuse_renamed_options(arguments: Sequence[str]) -> None:
    for argument in takewhile(lambda argument: argument != "--", arguments):
        name = argument.partition("=")[0]
        if name in _RENAMED_OPTIONS:
            raise InputError(f"{name}: this option is now called {_RENAMED_OPTIONS[name]}")


@app.callback()
def _configure(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the messages of the libraries too.")] = False,
) -> None:
    """Set up logging for all commands."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("hf_newscls").setLevel(logging.INFO if is_main_rank() else logging.WARNING)
    if not verbose:
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
        os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
