"""The command predict: texts, or whole files."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from hf_newscls import workflow
from hf_newscls.cli.display.terminal import RUNS, ModelArgument, RunsDirOption, console, make_printable, print_line
from hf_newscls.cli.display.texts import TextsArgument, check_arguments, find_standard_input, print_text, read_texts
from hf_newscls.errors import InputError

_STANDARD_INPUT = "-"
_RAY = "Many machines"


def predict(
    model: ModelArgument,
    texts: TextsArgument = None,
    input_files: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            help="File whose rows are predicted (CSV, JSON, Excel, Parquet, kaggle://, hf://), or several; - is "
            "standard input, as JSON Lines or one text per line.",
            metavar="FILE",
        ),
    ] = None,
    output: Annotated[
        str | None, typer.Option(help="File for the answers of --input: .csv, .jsonl or .parquet.", metavar="FILE")
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(
            help="Columns that are joined into the text.",
            metavar="COLUMN,COLUMN",
            show_default="those that the model was trained on",
        ),
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(
            help="Columns to copy into the output.", metavar="COLUMN,COLUMN", show_default="those of the text"
        ),
    ] = None,
    top_k: Annotated[
        int | None, typer.Option(min=1, help="Number of labels for each text.", show_default="3, with --input 1")
    ] = None,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Write the probability of every label.")
    ] = False,
    min_confidence: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="Leave all answers to a text empty if the most probable one has a lower probability.",
        ),
    ] = 0.0,
    submission: Annotated[
        Path | None,
        typer.Option(
            help="Sample submission: write its columns, rows and labels, as Kaggle takes them.",
            metavar="FILE",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an output that exists.")] = False,
    float32: Annotated[
        bool, typer.Option("--float32", help="Compute in float32 also where bfloat16 is faster.")
    ] = False,
    engine: Annotated[
        Literal["local", "ray"],
        typer.Option(help="Where the rows are predicted: in this process, or on a Ray cluster.", rich_help_panel=_RAY),
    ] = "local",
    id_column: Annotated[
        str | None, typer.Option("--id", help="Column with a different value in each row.", rich_help_panel=_RAY)
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="Address of the cluster.", show_default="this machine", rich_help_panel=_RAY)
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes with a model of their own.", rich_help_panel=_RAY)] = 1,
    gpus_per_worker: Annotated[
        float, typer.Option(min=0, help="GPUs of a worker; a fraction is possible.", rich_help_panel=_RAY)
    ] = 0.0,
    runs_dir: RunsDirOption = RUNS,
) -> None:
    """Predict labels: print those of each text, or write those of each row of a file (--input, --output).

    An interrupted --input continues with the same command.
    """
    options: dict[str, Any] = {
        "text": _split_names(text),
        "keep": _split_names(keep),
        "probabilities": probabilities,
        "min_confidence": min_confidence,
        "submission": submission,
        "overwrite": overwrite,
        "float32": float32,
    }
    cluster: dict[str, Any] = {
        "id_column": id_column,
        "address": address,
        "workers": workers,
        "gpus_per_worker": gpus_per_worker,
    }
    if engine == "local" and (id_column or address or workers > 1 or gpus_per_worker):
        raise InputError("--id, --address, --workers and --gpus-per-worker need --engine ray; add it, or remove them")
    if engine == "ray":
        _refuse_texts(texts)
        _predict_with_ray(model, input_files or [], output, top_k=top_k or 1, runs_dir=runs_dir, **options, **cluster)
        return
    if input_files:
        _refuse_texts(texts)
        _predict_files(model, input_files, output, top_k=top_k or 1, runs_dir=runs_dir, **options)
        return
    _refuse_file_options({"output": output, **options})
    if texts:
        predictions: Iterable[workflow.Prediction] = workflow.predict(
            model, check_arguments(texts), top_k=top_k or 3, runs_dir=runs_dir
        )
    else:
        predictions = workflow.predict_lines(model, read_texts(), top_k=top_k or 3, runs_dir=runs_dir)
    for prediction in predictions:
        _print_prediction(prediction)


def _print_prediction(prediction: workflow.Prediction) -> None:
    print_text(prediction.text)
    if not prediction.labels:
        print_line("           no text")
    for label, probability in zip(prediction.labels, prediction.probabilities, strict=True):
        console.print(f"  {probability:7.2%}  {make_printable(label)}", highlight=False)


def _predict_files(
    model: str, input_files: list[str], output: str | None, *, overwrite: bool, min_confidence: float, **options: Any
) -> None:
    """Write the answers, and print what was counted."""
    if output is None:
        raise InputError("--input is given, but no --output; add the file for the answers: --output answers.csv")
    if _STANDARD_INPUT in input_files and len(input_files) > 1:
        raise InputError("--input - is standard input, which cannot be read together with files; name only one of them")
    if Path(output).is_file() and not overwrite and sys.stdin and sys.stdin.isatty():
        overwrite = typer.confirm(f"{output} exists. Replace it?", abort=True)
    written = workflow.predict_file(
        model,
        find_standard_input() if input_files == [_STANDARD_INPUT] else input_files,
        output,
        overwrite=overwrite,
        min_confidence=min_confidence,
        **options,
    )
    counted = [f"{written.path}: {written.rows:,} rows"]
    counted += [f"{written.empty:,} without text"] if written.empty else []
    if min_confidence:
        counted += [f"{written.unsure:,} ({written.unsure / written.rows:.1%}) below {min_confidence:g}"]
    counted += [f"{written.truncated:,} longer than the model reads"] if written.truncated else []
    print_line(f"{', '.join(counted)}; {written.seconds:,.0f} s")


def _predict_with_ray(
    model: str,
    input_files: list[str],
    output: str | None,
    *,
    id_column: str | None,
    submission: Path | None,
    overwrite: bool,
    **options: Any,
) -> None:
    if not input_files or output is None or id_column is None:
        raise InputError("--engine ray: --input, --output or --id is missing; name files, a folder and a column")
    if submission is not None or overwrite:
        raise InputError("--engine ray writes a new folder in any order, without --submission and --overwrite")
    workflow.predict_with_ray(model, input_files, output, id_column=id_column, **options)
    print_line(f"folder: {output}")


def _split_names(names: str | None) -> list[str] | None:
    """Return the names of columns that are separated by commas.

    >>> _split_names("id, title"), _split_names(None)
    (['id', 'title'], None)
    """
    return None if names is None else [stripped for name in names.split(",") if (stripped := name.strip())]


def _refuse_texts(texts: list[str] | None) -> None:
    if texts:
        raise InputError(f"--input is given together with the text {texts[0]!r}; pass texts, or files, not both")


def _refuse_file_options(options: dict[str, Any]) -> None:
    if given := [name for name, value in options.items() if value]:
        raise InputError(f"--{given[0].replace('_', '-')} is only for files; name them with --input")
