"""The commands for trained models, and for the machine they run on."""

import logging
import sys
from typing import Annotated

import typer
from rich.table import Table

from hf_newscls.cli.terminal import RUNS, RunArgument, RunsDirOption, console, make_printable, quiet_transformers
from hf_newscls.errors import InputError

__all__ = ["doctor", "explain", "predict", "publish"]

ModelArgument = Annotated[
    str, typer.Argument(help="Recipe with a finished run, run folder, model folder or Hub id.", metavar="MODEL")
]
_SHOWN_CHARACTERS = 1000

TextsArgument = Annotated[list[str] | None, typer.Argument(help="Texts; without any, lines of standard input.")]

logger = logging.getLogger(__name__)


def predict(
    model: ModelArgument,
    texts: TextsArgument = None,
    top_k: Annotated[int, typer.Option(min=1, help="Labels to show for each text.")] = 3,
    runs_dir: RunsDirOption = RUNS,
) -> None:
    """Print the most probable labels of texts, with the probabilities as the model gives them: not calibrated."""
    found = _read_texts(texts)

    from hf_newscls import workflow

    quiet_transformers()
    for prediction in workflow.predict(model, found, runs_dir=runs_dir, top_k=top_k):
        _print_text(prediction.text)
        for label, probability in zip(prediction.labels, prediction.probabilities, strict=True):
            console.print(f"  {probability:7.2%}  {make_printable(label)}", highlight=False)


def explain(
    model: ModelArgument,
    texts: TextsArgument = None,
    label: Annotated[str | None, typer.Option(help="Label to explain; the most probable one if unset.")] = None,
    top: Annotated[int, typer.Option(min=1, help="Words to show for each text, those that moved it most.")] = 10,
    samples: Annotated[
        int | None,
        typer.Option(
            min=1, help="Orders of the words to try: more are slower and more exact. Unset: some 2,000 readings."
        ),
    ] = None,
    runs_dir: RunsDirOption = RUNS,
) -> None:
    """Print the words that moved a decision, and by how much: Shapley values, estimated. Needs the extra `explain`."""
    found = _read_texts(texts)

    from hf_newscls import workflow

    quiet_transformers()
    for one in workflow.explain(model, found, runs_dir=runs_dir, label=label, samples=samples):
        _print_text(one.text)
        console.print(f"  {one.attribution.probability:6.0%}  {make_printable(one.label)}", highlight=False)
        console.print(f"  {one.attribution.empty_probability:6.0%}  without any word", highlight=False)
        moved = sorted(one.attribution.contributions, key=lambda word: -abs(word.value))
        for word in moved[:top]:
            console.print(f"  {word.value:+6.0%}  {make_printable(word.words)}", highlight=False, soft_wrap=True)
        if rest := moved[top:]:
            console.print(f"  {sum(word.value for word in rest):+6.0%}  {len(rest):,} others", highlight=False)


def publish(
    run: RunArgument,
    repo_id: Annotated[str | None, typer.Option(help="owner/name on the Hub; else as the recipe says.")] = None,
    private: Annotated[bool | None, typer.Option(help="Whether the repository must be private.")] = None,
    revision: Annotated[str, typer.Option(help="Branch that takes the commit; made if it is not there.")] = "main",
    pr: Annotated[bool, typer.Option("--pr", help="Open a pull request; one that is open is updated.")] = False,
    tag: Annotated[str | None, typer.Option(help="Name for the commit, as in v1.0.")] = None,
    replace_card: Annotated[
        bool, typer.Option("--replace-card", help="Push over a card that was not written by hf-newscls.")
    ] = False,
    runs_dir: RunsDirOption = RUNS,
) -> None:
    """Check a finished run's model in a fresh process, and push it with its card to the Hub in one commit."""
    from hf_newscls import workflow
    from hf_newscls.hub.publish_model import PublishOptions

    options = PublishOptions(repo_id, private, revision, as_pull_request=pr, tag=tag, replace_card=replace_card)
    pushed = workflow.publish(run, options, runs_dir=runs_dir)
    console.print(pushed.url if pushed.is_new else f"nothing new: {pushed.url}", soft_wrap=True)


def doctor() -> None:
    """Show what this machine offers: versions, device, disk, tokens."""
    from hf_newscls.workflow.doctor import inspect_machine

    table = Table("what", "found", box=None, header_style="bold")
    for what, found in inspect_machine().items():
        table.add_row(what, make_printable(found))
    console.print(table)


def _print_text(text: str) -> None:
    """Print a text as a heading: of a long one its beginning."""
    shown = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}… ({len(text):,} characters)"
    console.print(make_printable(shown), style="bold", highlight=False, soft_wrap=True)


def _read_texts(texts: list[str] | None) -> list[str]:
    """Return the texts that were given, else the lines of standard input that are not empty.

    Raises:
        InputError: a text is empty, or a line is not UTF-8.
        typer.Exit: there is nothing to answer.
    """
    if texts:
        for index, text in enumerate(texts, start=1):
            if not text.strip():
                raise InputError(f"text {index} of {len(texts)}: must hold a word, got {text!r}; leave it out")
        return texts
    if sys.stdin.isatty():
        logger.info("reading texts from standard input, a line each, until Ctrl-D")
    lines: list[str] = []
    try:
        for line in sys.stdin:
            line.encode()  # where the system says ASCII, bytes of another encoding come as half characters
            lines.append(line.strip())
    except UnicodeError as error:
        raise InputError(
            f"standard input: line {len(lines) + 1} must be UTF-8, got another encoding; convert it, as with iconv"
        ) from error
    found = [line for line in lines if line]
    if not found:
        # No error: what feeds a pipe may have nothing to say.
        logger.warning("no text: standard input held no line with a word")
        raise typer.Exit
    return found
