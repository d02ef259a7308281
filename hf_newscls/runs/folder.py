"""Where a run keeps its files.

::

    runs/<recipe>/latest                  -> the newest run that was finished
    runs/<recipe>/<run>/recipe.yaml       the resolved recipe
                        split.json        the split's manifest
                        training.json     the record of the training
                        metrics.json      what was measured
                        predictions.parquet
                        figures/          PNG
                        errors/           CSV: where it failed
                        report.html       all of it to read; shows texts, so it is never published
                        checkpoints/      the Trainer's
                        model/            what `pipeline()` loads and `publish` pushes
                        .lock             held by the process that trains it
"""

import json
import os
import shlex
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from hf_newscls.errors import RunError, suggest_name
from hf_newscls.recipe.loading import find_recipes, is_recipe_path, read_recipe, read_run_recipe
from hf_newscls.recipe.recipe import Recipe

__all__ = ["RunFolder", "create_run", "find_run", "find_runs", "list_runs"]

_LATEST = "latest"


@dataclass(frozen=True)
class RunFolder:
    """Names the files of one run."""

    path: Path

    @property
    def recipe(self) -> Path:
        """The resolved recipe."""
        return self.path / "recipe.yaml"

    @property
    def split(self) -> Path:
        """The split's manifest."""
        return self.path / "split.json"

    @property
    def training(self) -> Path:
        """The record of the training."""
        return self.path / "training.json"

    @property
    def metrics(self) -> Path:
        """What was measured."""
        return self.path / "metrics.json"

    @property
    def predictions(self) -> Path:
        """One row for each row of the test set."""
        return self.path / "predictions.parquet"

    @property
    def figures(self) -> Path:
        """The plots."""
        return self.path / "figures"

    @property
    def errors(self) -> Path:
        """Lists of where the model failed."""
        return self.path / "errors"

    @property
    def report(self) -> Path:
        """The page to read."""
        return self.path / "report.html"

    @property
    def checkpoints(self) -> Path:
        """The Trainer's checkpoints."""
        return self.path / "checkpoints"

    @property
    def model(self) -> Path:
        """What `pipeline()` loads and `publish` pushes."""
        return self.path / "model"

    @property
    def lock(self) -> Path:
        """Held by the process that trains the run."""
        return self.path / ".lock"

    @property
    def is_complete(self) -> bool:
        """Whether the run has gone through to its card."""
        return (self.model / "README.md").is_file()

    def mark_latest(self) -> None:
        """Point `latest` beside the run at it, in one step."""
        link = self.path.parent / _LATEST
        fresh = link.with_name(f".{_LATEST}-{self.path.name}")
        fresh.symlink_to(self.path.name)
        fresh.replace(link)

    def read_recipe(self) -> Recipe:
        """Read the recipe that the run was made by, also one of an earlier version.

        Raises:
            RecipeError: it cannot be read.
        """
        return read_run_recipe(self.recipe)

    def read_json(self, path: Path) -> dict[str, Any]:
        """Read one of the run's JSON files.

        Raises:
            RunError: it is not there, or not whole.
        """
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(
                f"{self.path}: must hold {path.name}, got {error}; evaluate the run, or train again"
            ) from error
        return content


def create_run(runs_dir: Path, recipe_name: str) -> RunFolder:
    """Make a new, empty run folder, named after the present time."""
    name = datetime.now().strftime("%Y%m%d-%H%M%S")
    for suffix in ("", *(f"-{index}" for index in range(2, 100))):
        path = runs_dir / recipe_name / (name + suffix)
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        return RunFolder(path)
    raise RunError(f"{runs_dir / recipe_name}: must have room for a run of {name}, found 99 of them; try again later")


def find_run(name_or_path: str, *, runs_dir: Path) -> RunFolder:
    """Return the run that a path names, or the latest one of a recipe, which its name or its file may name.

    Raises:
        RunError: there is no such run, or it has no model.
        RecipeError: it is a recipe's file, and the recipe cannot be used.
    """
    for path in _list_indices(name_or_path, runs_dir):
        # Unlike Path.is_file, false for a path longer than the system takes.
        if os.path.isfile(path / "recipe.yaml"):
            run = RunFolder(path.resolve())
            if not run.model.is_dir():
                raise RunError(f"{path}: must hold a trained model, found none; train the recipe again")
            return run
    raise RunError(
        f"{name_or_path}: must be a run folder or a recipe with a finished run in {runs_dir}, found neither; "
        + _suggest_run(name_or_path, runs_dir)
    )


def _suggest_run(name_or_path: str, runs_dir: Path) -> str:
    """Return what to do where there is no such run."""
    recipes = find_recipes()
    if is_recipe_path(name_or_path) or name_or_path in recipes:
        command = shlex.join(["hf-newscls", "train", name_or_path, "--runs-dir", str(runs_dir)])
        return f"train it first with `{command}`"
    runs = {path.parent.name for path in runs_dir.glob(f"*/{_LATEST}")}
    suggestion = suggest_name(name_or_path, sorted({*runs, *recipes} - {name_or_path}))
    return f"did you mean {suggestion!r}?" if suggestion else "check its name and --runs-dir, or train the recipe first"


def _list_indices(name_or_path: str, runs_dir: Path) -> tuple[Path, ...]:
    """Return where the run may be, the likeliest first."""
    path = Path(name_or_path)
    if not is_recipe_path(name_or_path) or os.path.isdir(path):
        return path, runs_dir / name_or_path / _LATEST
    run = RunFolder(path.parent)
    if path.name == run.recipe.name and run.split.is_file():  # that which a run was trained by
        return (run.path,)
    return (runs_dir / read_recipe(name_or_path).name / _LATEST,)


def find_runs(recipe_name: str, *, runs_dir: Path) -> list[RunFolder]:
    """Return the measured runs of a recipe, oldest first."""
    paths = sorted(path for path in (runs_dir / recipe_name).glob("*/metrics.json") if path.parent.name != _LATEST)
    return [RunFolder(path.parent) for path in paths]


def list_runs(recipe_name: str, *, runs_dir: Path) -> list[RunFolder]:
    """Return the runs of a recipe that were begun, oldest first, finished or not."""
    paths = sorted(path for path in (runs_dir / recipe_name).glob("*/split.json") if path.parent.name != _LATEST)
    return [RunFolder(path.parent) for path in paths]
