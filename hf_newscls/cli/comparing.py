"""The command that ranks models."""

from typing import Annotated

import typer
from rich.table import Table

from hf_newscls.cli.terminal import RUNS, RunsDirOption, console

__all__ = ["compare"]


def compare(
    recipes: Annotated[list[str], typer.Argument(help="Recipes whose runs are ranked.")],
    runs_dir: RunsDirOption = RUNS,
) -> None:
    """Rank finished runs; only runs measured on the same split share a table."""
    from hf_newscls import workflow

    for board in workflow.compare(recipes, runs_dir=runs_dir):
        table = Table("run", "accuracy", "95% interval", "macro F1", title=f"split {board.fingerprint[:12]}")
        for entry in board.entries:
            low, high = entry.interval
            table.add_row(entry.name, f"{entry.accuracy:.4f}", f"{low:.4f} to {high:.4f}", f"{entry.f1_macro:.4f}")
        console.print(table)
