"""The command export."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from hf_newscls import workflow
from hf_newscls.cli.display.terminal import RUNS, ModelArgument, RunsDirOption, console, print_line

if TYPE_CHECKING:
    from hf_newscls.onnx_export.record import ExportRecord, Variant


def export(
    model: ModelArgument,
    int8: Annotated[
        bool, typer.Option("--int8", help="Also write a file with 8-bit weights, a quarter of the size.")
    ] = False,
    max_loss: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="With --int8: how much accuracy or macro F1 may be lost, at the end of the 95% interval."
        ),
    ] = 0.005,
    on: Annotated[
        str | None,
        typer.Option(help="Recipe with the test rows.", metavar="RECIPE", show_default="the test set of the run"),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder to write.", show_default="export in the run folder")
    ] = None,
    runs_dir: RunsDirOption = RUNS,
) -> None:
    """Write a model as ONNX files, after checking their predictions on all test rows. Needs the extra `onnx`."""
    exported = workflow.export(model, int8=int8, max_loss=max_loss, on=on, output=output, runs_dir=runs_dir)
    console.print(_build_table(exported.record))
    print_line(f"export: {exported.path}")


def _build_table(record: "ExportRecord") -> Table:
    names = ("MB", "Accuracy", "Macro F1", "changed predictions", "largest difference", "rows/s")
    table = Table("model", *(Column(name, justify="right") for name in names), box=None, header_style="bold")
    for name, variant in record.variants.items():
        table.add_row(name, f"{variant.megabytes:.1f}", *_format_answers(variant), f"{variant.rows_per_second:,.0f}")
    return table


def _format_answers(variant: "Variant") -> tuple[str, ...]:
    scores = (f"{variant.scores['accuracy']:.4f}", f"{variant.scores['f1_macro']:.4f}")
    if not variant.file:
        return (*scores, "", "")
    return (*scores, f"{variant.changed_answers:,}", f"{variant.largest_difference:.1e}")
