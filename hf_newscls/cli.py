"""The command line: commands, options, exit codes. The only module that prints."""

import logging
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hf_newscls.errors import InputError, NewsclsError
from hf_newscls.processes import is_main_rank

if TYPE_CHECKING:
    from hf_newscls.evaluation.report import EvaluationReport
    from hf_newscls.preparing import PreparedData
    from hf_newscls.workflow import Plan

__all__ = ["app", "main"]

app = typer.Typer(
    name="hf-newscls",
    help="Turn a news file into a fine-tuned classifier on the Hugging Face Hub.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_output = Console(emoji=False)
_messages = Console(stderr=True, emoji=False)

RecipeArgument = Annotated[str, typer.Argument(help="Name of a recipe, or path of a .yaml file.", metavar="RECIPE")]
OverridesArgument = Annotated[
    list[str] | None, typer.Argument(help="Changes to the recipe: section.key=value.", metavar="KEY=VALUE")
]
DataOption = Annotated[str | None, typer.Option("--data", help="The news file, in place of the recipe's data.source.")]
RunArgument = Annotated[
    str, typer.Argument(help="Name of a recipe, whose latest run is taken, or a run folder.", metavar="RECIPE|RUN")
]
RunsDirOption = Annotated[Path, typer.Option(help="Where run folders are kept.", envvar="HF_NEWSCLS_RUNS")]
CardsDirOption = Annotated[Path | None, typer.Option(help="Folder for a copy of the model card.")]
_RUNS, _OVERVIEWS = Path("runs"), Path("overview")


def main() -> None:
    """Run the command line; our own errors become one message and their exit code."""
    try:
        app()
    except NewsclsError as error:
        if is_main_rank():
            _messages.print(f"[red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)


def _quiet_transformers() -> None:
    """Hide transformers' bar for weights read from disk, a matter of a second; downloads keep theirs."""
    from huggingface_hub.utils.tqdm import enable_progress_bars
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    enable_progress_bars()


@app.callback()
def configure(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the libraries' own messages too.")] = False,
) -> None:
    """Set logging up for all commands."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("hf_newscls").setLevel(logging.INFO if is_main_rank() else logging.WARNING)
    if not verbose:
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
        os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")


@app.command()
def recipes() -> None:
    """List the recipes that come with the package."""
    from hf_newscls.recipe_io import find_recipes, read_purpose

    table = Table("recipe", "purpose", box=None, header_style="bold")
    for name, path in find_recipes().items():
        table.add_row(name, escape(read_purpose(path)))
    _output.print(table)


@app.command(epilog="Example: hf-newscls show fake_news_minilm training_arguments.learning_rate=1e-5")
def show(recipe: RecipeArgument, overrides: OverridesArgument = None, data: DataOption = None) -> None:
    """Print a recipe as it is resolved: parents, overrides and defaults."""
    from hf_newscls.recipe_io import read_recipe, recipe_to_yaml

    _output.print(
        recipe_to_yaml(read_recipe(recipe, overrides or [], source=data)), markup=False, highlight=False, soft_wrap=True
    )


@app.command(epilog="Example: hf-newscls overview quickstart")
def overview(
    recipe: RecipeArgument,
    overrides: OverridesArgument = None,
    data: DataOption = None,
    output: Annotated[Path | None, typer.Option(help="Folder to write; overview/RECIPE's name if not given.")] = None,
) -> None:
    """Say what is in a recipe's data file before anything is trained: a page with figures, JSON and lists of rows."""
    from hf_newscls import workflow
    from hf_newscls.overview_table import build_tables
    from hf_newscls.recipe_io import read_recipe

    _quiet_transformers()
    resolved = read_recipe(recipe, overrides or [], source=data)
    folder = output or _OVERVIEWS / resolved.name
    _output.print(*build_tables(workflow.overview(resolved, folder)), sep="\n")
    _output.print(f"page: {folder / 'overview.md'}", soft_wrap=True)


@app.command(
    epilog="Examples: hf-newscls prepare quickstart --output prepared  ·  hf-newscls prepare quickstart --push me/news"
)
def prepare(
    recipe: RecipeArgument,
    overrides: OverridesArgument = None,
    data: DataOption = None,
    output: Annotated[Path | None, typer.Option(help="Folder to save the DatasetDict and split.json in.")] = None,
    push: Annotated[
        str | None, typer.Option(help="Send it to this dataset on the Hub, with a card.", metavar="OWNER/NAME")
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="Push to a public dataset; it is private otherwise.")
    ] = False,
) -> None:
    """Read, clean and split a recipe's data file, and show what came of it."""
    from hf_newscls import workflow
    from hf_newscls.recipe_io import read_recipe

    if public and push is None:
        raise InputError("--public: must go with --push, got no --push; add `--push OWNER/NAME`")
    resolved = read_recipe(recipe, overrides or [], source=data)
    prepared = workflow.prepare(resolved)
    _print_split(prepared)
    if output is not None:
        workflow.save_prepared(prepared, output)
        _output.print(f"saved in {output}")
    if push is not None:
        _output.print(workflow.push_prepared(prepared, resolved, repo_id=push, private=not public), soft_wrap=True)


@app.command(
    epilog="Examples: hf-newscls train quickstart  ·  hf-newscls train fake_news_minilm --data news.csv --dry-run"
)
def train(
    recipe: RecipeArgument,
    overrides: OverridesArgument = None,
    data: DataOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check recipe, data and model; train nothing.")] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew even where a run of the recipe was interrupted.")
    ] = False,
    runs_dir: RunsDirOption = _RUNS,
    cards_dir: CardsDirOption = None,
) -> None:
    """Fine-tune a model as the recipe says, measure it, and write its card; an interrupted run goes on."""
    from hf_newscls import workflow
    from hf_newscls.recipe_io import read_recipe

    _quiet_transformers()
    resolved = read_recipe(recipe, overrides or [], source=data)
    if dry_run:
        _print_plan(workflow.plan(resolved))
        return
    run, report = workflow.train(resolved, runs_dir=runs_dir, cards_dir=cards_dir, is_fresh=fresh)
    if not is_main_rank():
        return
    _print_report(report)
    _output.print(
        f"model: {run.model}\nnext:  hf-newscls predict {resolved.name} {shlex.quote(resolved.hub.example)}",
        soft_wrap=True,
    )


@app.command(epilog="Example: hf-newscls evaluate quickstart")
def evaluate(run: RunArgument, runs_dir: RunsDirOption = _RUNS, cards_dir: CardsDirOption = None) -> None:
    """Measure a finished run anew: predictions, metrics, figures and card."""
    from hf_newscls import workflow

    _quiet_transformers()
    folder, report = workflow.evaluate(run, runs_dir=runs_dir, cards_dir=cards_dir)
    _print_report(report)
    _output.print(f"run: {folder.path}", soft_wrap=True)


@app.command(epilog="Example: hf-newscls predict quickstart 'Rail strike ends after nine days'")
def predict(
    model: Annotated[
        str, typer.Argument(help="Recipe with a finished run, run folder, model folder or Hub id.", metavar="MODEL")
    ],
    texts: Annotated[list[str] | None, typer.Argument(help="Texts; without any, lines of standard input.")] = None,
    top_k: Annotated[int, typer.Option(min=1, help="Labels to show for each text.")] = 3,
    runs_dir: RunsDirOption = _RUNS,
) -> None:
    """Print the most probable labels of texts."""
    from hf_newscls import workflow

    _quiet_transformers()
    lines = texts or [line.strip() for line in sys.stdin if line.strip()]
    for prediction in workflow.predict(model, lines, runs_dir=runs_dir, top_k=top_k):
        _output.print(escape(prediction.text), style="bold", highlight=False, soft_wrap=True)
        for label, probability in zip(prediction.labels, prediction.probabilities, strict=True):
            _output.print(f"  {probability:7.2%}  {escape(label)}", highlight=False)


@app.command(epilog="Example: hf-newscls publish quickstart --repo-id my-name/quickstart")
def publish(
    run: RunArgument,
    repo_id: Annotated[str | None, typer.Option(help="owner/name on the Hub; else as the recipe says.")] = None,
    private: Annotated[bool | None, typer.Option(help="Whether a new repository is private.")] = None,
    runs_dir: RunsDirOption = _RUNS,
) -> None:
    """Push a finished run's model and card to the Hub, in one commit."""
    from hf_newscls import workflow

    _output.print(workflow.publish(run, runs_dir=runs_dir, repo_id=repo_id, private=private), soft_wrap=True)


@app.command(epilog="Example: hf-newscls compare fake_news_minilm fake_news_roberta")
def compare(
    recipes: Annotated[list[str], typer.Argument(help="Recipes whose runs are ranked.")],
    runs_dir: RunsDirOption = _RUNS,
) -> None:
    """Rank finished runs; only runs measured on the same split share a table."""
    from hf_newscls import workflow

    for board in workflow.compare(recipes, runs_dir=runs_dir):
        table = Table("run", "accuracy", "95% interval", "macro F1", title=f"split {board.fingerprint[:12]}")
        for entry in board.entries:
            low, high = entry.interval
            table.add_row(entry.name, f"{entry.accuracy:.4f}", f"{low:.4f} to {high:.4f}", f"{entry.f1_macro:.4f}")
        _output.print(table)


@app.command()
def doctor() -> None:
    """Show what this machine offers: versions, device, disk, tokens."""
    from hf_newscls.doctor import inspect_machine

    table = Table("what", "found", box=None, header_style="bold")
    for what, found in inspect_machine().items():
        table.add_row(what, escape(found))
    _output.print(table)


def _print_split(prepared: "PreparedData") -> None:
    counts = prepared.manifest.label_counts
    table = Table("label", *counts, title=f"split {prepared.manifest.fingerprint[:12]}")
    for name in prepared.label_names:
        table.add_row(escape(name), *(f"{counts[side][name]:,}" for side in counts))
    table.add_section()
    table.add_row("all", *(f"{sum(counts[side].values()):,}" for side in counts))
    _output.print(table)


def _print_plan(plan: "Plan") -> None:
    _print_split(plan.prepared)
    rows = plan.prepared.splits["train"].select(range(min(3, len(plan.prepared.splits["train"]))))
    for text, label in zip(rows["text"], rows["label"], strict=True):
        _output.print(f"[bold]{escape(plan.prepared.label_names[label])}[/]  {escape(text[:100])}", highlight=False)
    schedule = plan.schedule
    _output.print(
        f"device: {plan.device}\n"
        f"model: {plan.parameters:,} parameters, {plan.new_parameters:,} of them new\n"
        f"stage 1: steps 0 to {schedule.boundary_step:,}, the new parameters learn, "
        f"at rates up to {schedule.head.first_peak:g}\n"
        f"stage 2: steps {schedule.boundary_step:,} to {schedule.total_steps:,}, all parameters learn, "
        f"at rates up to {schedule.head.second_peak:g}",
        highlight=False,
    )


def _print_report(report: "EvaluationReport") -> None:
    table = Table("test set", "model", "95% interval", *report.baselines, title=f"{report.test.rows:,} test rows")
    for name, value in report.test.scores.items():
        if name.startswith(("precision", "recall")):
            continue
        interval = report.intervals.get(name)
        shown = f"{interval.low:.4f} to {interval.high:.4f}" if interval else ""
        table.add_row(name, f"{value:.4f}", shown, *(f"{scores[name]:.4f}" for scores in report.baselines.values()))
    _output.print(table)
