"""Where a run keeps its files.

::

    runs/<recipe>/latest                  -> the newest finished run
    runs/<recipe>/<run>/recipe.yaml       the resolved recipe, and the version that trained it
                        split.json        the split's manifest
                        training.json     the record of the training
                        metrics.json      the evaluation report
                        predictions.parquet
                        figures/          PNG
                        errors/           CSV: where the model failed
                        on/<data>/        evaluations on other data
                        report.html       the report; it shows texts, so it is never published
                        checkpoints/      of the Trainer
                        tensorboard/      logs, if the recipe reports to TensorBoard
                        model/            loaded by `pipeline()`, pushed by `publish`
                        export/           the model as ONNX files, written by `export`
                        .lock             held by the process that trains the run
"""

import json
import os
import re
import shlex
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from hf_newscls import __version__
from hf_newscls.errors import RunError, shorten_text, suggest_fix
from hf_newscls.recipe.loading import read_recipe, read_run_recipe
from hf_newscls.recipe.lookup import find_recipes, is_recipe_path
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.recipe.serialization import recipe_to_yaml
from hf_newscls.storage import write_text

Value = TypeVar("Value")

_LATEST = "latest"
_TIME = "%Y%m%d-%H%M%S"  # the names of runs
_VERSION_LINE = "# Trained by hf_newscls {}.\n"


class _Inside:
    """An attribute of a run folder: the path of one of its files or folders."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, run: "RunFolder", owner: type) -> Path:
        return run.path / self._name


@dataclass(frozen=True)
class RunFolder:
    """The files of one run, as listed above."""

    path: Path

    recipe = _Inside("recipe.yaml")
    split = _Inside("split.json")
    training = _Inside("training.json")
    metrics = _Inside("metrics.json")
    predictions = _Inside("predictions.parquet")
    figures = _Inside("figures")
    errors = _Inside("errors")
    other_data = _Inside("on")
    report = _Inside("report.html")
    checkpoints = _Inside("checkpoints")
    model = _Inside("model")
    export = _Inside("export")
    lock = _Inside(".lock")

    @property
    def is_complete(self) -> bool:
        """Whether everything was done, up to the model's card."""
        return (self.model / "README.md").is_file()

    def mark_latest(self) -> None:
        """Point `latest` at this run, in one step."""
        link = self.path.parent / _LATEST
        new = link.with_name(f".{_LATEST}-{self.path.name}")
        new.symlink_to(self.path.name)
        new.replace(link)

    def write_recipe(self, recipe: Recipe) -> None:
        """Write the recipe under a line with the version that trains the run, or has trained it."""
        version = self.read_version() if self.training.is_file() else __version__
        write_text(self.recipe, (_VERSION_LINE.format(version) if version else "") + recipe_to_yaml(recipe))

    def read_recipe(self) -> Recipe:
        """Read the recipe of the run, which may be of an earlier version.

        Raises:
            RecipeError: it cannot be read.
        """
        return read_run_recipe(self.recipe)

    def read_version(self) -> str | None:
        """Return the version that trained the run; None if it is before 0.2, which wrote no version."""
        found = re.match(_VERSION_LINE.format(r"(\S+)"), self.recipe.read_text(encoding="utf-8"))
        return found[1] if found else None

    def read_json(self, path: Path) -> dict[str, Any]:
        """Read one of the run's JSON files.

        Raises:
            RunError: it does not exist, or is not a JSON object.
        """
        return self.read_as(path, lambda content: content)

    def read_as(self, path: Path, parse: Callable[[dict[str, Any]], Value]) -> Value:
        """Read one of the run's JSON files, and return what `parse` makes of it.

        Raises:
            RunError: it does not exist, is not a JSON object, or `parse` raises a ValueError.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(content, dict):
                raise ValueError(f"a JSON object is missing, found {type(content).__name__}")
            return parse(content)
        except (OSError, ValueError) as error:
            raise RunError(
                f"{self.path}: cannot read {path.name} ({_describe(error)}); evaluate the run again, or train again"
            ) from error

    def read_fingerprint(self) -> str:
        """Return the fingerprint of the run's split.

        Raises:
            RunError: it cannot be read.
        """
        found = self.read_json(self.split).get("fingerprint")
        if not isinstance(found, str):
            raise RunError(f"{self.path}: no fingerprint in {self.split.name} (found {found!r}); train again")
        return found


def _describe(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return shorten_text(error)


def create_run(runs_dir: Path, recipe_name: str) -> RunFolder:
    """Make a new, empty run folder. Its name is the current time, or a later one: the last run is the newest."""
    folder = runs_dir / recipe_name
    for _ in range(100):  # another process may take the same name
        path = folder / _name_run(folder)
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        return RunFolder(path)
    raise RunError(f"{folder}: no name is free for another run; try again later")


def _name_run(folder: Path) -> str:
    now = datetime.now()
    # The clock may have been set back, as every autumn.
    times = [found[0] for path in folder.glob("*") if (found := re.match(r"\d{8}-\d{6}", path.name))]
    with suppress(ValueError, OverflowError):  # no run yet, or digits that are no time
        now = max(now, datetime.strptime(max(times), _TIME) + timedelta(seconds=1))
    return now.strftime(_TIME)


def find_run(name_or_path: str | Path, *, runs_dir: Path) -> RunFolder:
    """Return a run by its folder, or the latest run of a recipe by the recipe's name or file.

    Raises:
        RunError: there is no such run, or it has no model.
        RecipeError: the recipe's file cannot be read.
    """
    name_or_path = str(name_or_path)
    for path in _list_candidates(name_or_path, runs_dir):
        # Unlike Path.is_file, this is False for a path that is too long for the system.
        if os.path.isfile(path / "recipe.yaml"):
            run = RunFolder(path.resolve())
            if not run.model.is_dir():
                raise RunError(f"{path}: has no trained model; train the recipe again")
            return run
    raise RunError(
        f"{name_or_path}: no such run folder, and no recipe with a finished run in {runs_dir}; "
        + _suggest_run(name_or_path, runs_dir)
    )


def _suggest_run(name_or_path: str, runs_dir: Path) -> str:
    recipes = find_recipes()
    if is_recipe_path(name_or_path) or name_or_path in recipes:
        command = shlex.join(["hf-newscls", "train", name_or_path, "--runs-dir", str(runs_dir)])
        return f"train it first with `{command}`"
    runs = {path.parent.name for path in runs_dir.glob(f"*/{_LATEST}")}
    known = sorted({*runs, *recipes} - {name_or_path})
    otherwise = "check its name and the runs folder (--runs-dir), or train the recipe first"
    return suggest_fix(name_or_path, known, otherwise=otherwise)


def _list_candidates(name_or_path: str, runs_dir: Path) -> tuple[Path, ...]:
    """Return the folders where the run may be, the most likely one first."""
    path = Path(name_or_path)
    if not is_recipe_path(name_or_path) or os.path.isdir(path):
        return path, runs_dir / name_or_path / _LATEST
    if is_run_recipe(path):
        return (path.parent,)
    return (runs_dir / read_recipe(name_or_path).name / _LATEST,)


def is_run_recipe(path: Path) -> bool:
    """Return whether this is the recipe.yaml of a run folder, which an earlier version may have written."""
    run = RunFolder(path.parent)
    return path.name == run.recipe.name and run.split.is_file()


def find_runs(recipe_name: str, *, runs_dir: Path, with_file: str = "metrics.json") -> list[RunFolder]:
    """Return the runs of a recipe that have a file, oldest first: by default those that were evaluated."""
    paths = sorted(path for path in (runs_dir / recipe_name).glob(f"*/{with_file}") if path.parent.name != _LATEST)
    return [RunFolder(path.parent) for path in paths]
