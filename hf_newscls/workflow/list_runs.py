"""List the finished runs of a folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hf_newscls.errors import RunError
from hf_newscls.runs.folder import RunFolder, find_runs
from hf_newscls.runs.recipe_diff import RecipeChange, find_changes

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ListedRun:
    """A finished run in a list.

    Attributes:
        path: the run folder, named after the time when it began.
        recipe_name: of its recipe.
        accuracy: on the test set.
        f1_macro: on the test set.
        minutes: that the training took.
        changes: keys with other values than in the run before, without name, evaluation and hub.
    """

    path: Path
    recipe_name: str
    accuracy: float
    f1_macro: float
    minutes: float
    changes: Sequence[RecipeChange]

    def describe_changes(self) -> str:
        """Return the changed keys with their values; empty if there are none."""
        return ", ".join(f"{change.key}={change.now!r}" for change in self.changes)


@dataclass(frozen=True)
class RunList:
    """Finished runs; iterating gives a `ListedRun` for each.

    Attributes:
        runs: those of one recipe together, oldest first.
    """

    runs: Sequence[ListedRun]

    def __len__(self) -> int:
        """Return the number of runs."""
        return len(self.runs)

    def __iter__(self) -> Iterator[ListedRun]:
        """Yield the runs in their order."""
        return iter(self.runs)

    def to_pandas(self) -> pd.DataFrame:
        """Return a row for each run: recipe, run, accuracy, f1_macro, minutes, changes."""
        import pandas as pd

        rows = [
            (run.recipe_name, run.path.name, run.accuracy, run.f1_macro, run.minutes, run.describe_changes())
            for run in self.runs
        ]
        return pd.DataFrame(rows, columns=["recipe", "run", "accuracy", "f1_macro", "minutes", "changes"])

    def _repr_html_(self) -> str:
        formats = {"accuracy": "{:.4f}".format, "f1_macro": "{:.4f}".format, "minutes": "{:.1f}".format}
        return str(self.to_pandas().to_html(index=False, formatters=formats))


def list_runs(*, runs_dir: str | Path = "runs") -> RunList:
    """Return the runs that were evaluated.

    Raises:
        RunError: the folder does not exist, or a file of a run cannot be read.
    """
    runs_dir = Path(runs_dir)
    if not runs_dir.is_dir():
        raise RunError(f"{runs_dir}: no such folder of runs; train a recipe first, or set --runs-dir")
    names = sorted(folder.name for folder in runs_dir.iterdir() if folder.is_dir())
    return RunList([listed for name in names for listed in _list_recipe(find_runs(name, runs_dir=runs_dir))])


def _list_recipe(runs: Sequence[RunFolder]) -> list[ListedRun]:
    recipes = [run.read_recipe() for run in runs]
    listed = []
    for run, before, recipe in zip(runs, [*recipes[:1], *recipes], recipes, strict=False):
        metrics = run.read_json(run.metrics)
        try:
            accuracy, f1_macro = (float(metrics["test"][name]) for name in ("accuracy", "f1_macro"))
            minutes = float(metrics["train_runtime_seconds"]) / 60
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(
                f"{run.path}: {run.metrics.name} lacks a score ({error!r}); evaluate the run again"
            ) from error
        changes = find_changes(before, recipe, exclude=("name", "evaluation", "hub"))
        listed.append(ListedRun(run.path, recipe.name, accuracy, f1_macro, minutes, changes))
    return listed
