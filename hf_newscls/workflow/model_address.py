"""Find and load the model that a user names: a run, a folder, a recipe's latest run, or an id on the Hub."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hf_newscls.errors import InputError, RunError, format_examples
from hf_newscls.files import PACKAGE_SCHEME, is_local_address
from hf_newscls.recipe.loading import read_run_recipe
from hf_newscls.recipe.lookup import is_recipe_path
from hf_newscls.runs.folder import RunFolder
from hf_newscls.workflow.quiet import quiet_libraries
from hf_newscls.workflow.run import Run, find_folder

if TYPE_CHECKING:
    from hf_newscls.data.text_columns import TextColumns
    from hf_newscls.inference.predicting import TrainedClassifier
    from hf_newscls.recipe.recipe import Recipe


@dataclass(frozen=True)
class ModelAddress:
    """A model, found but not loaded."""

    address: str  # its folder, an address in a package, or an id on the Hub
    recipe: Recipe | None  # of its run, if it has one on this machine

    @property
    def run(self) -> RunFolder | None:
        """The run that trained it; None for a model without its run."""
        return RunFolder(Path(self.address).parent) if self.recipe else None

    @property
    def name(self) -> str:
        """Name of the recipe of its run, or the address."""
        return self.recipe.name if self.recipe else self.address

    def load(self) -> TrainedClassifier:
        """Load the model.

        Raises:
            ModelError: it cannot be loaded.
        """
        from hf_newscls.inference.predicting import load_classifier

        # An adapter needs the encoder that the recipe of its run names.
        with quiet_libraries():
            return load_classifier(self.address, encoder=self.recipe.model if self.recipe else None)

    def choose_text(
        self, classifier: TrainedClassifier, *, named: str | Sequence[str] | None, only: str | None = None
    ) -> TextColumns:
        """Return how the text of a row is built: as in training; a model that does not say it reads the column `text`.

        Args:
            classifier: the model, loaded.
            named: a column, or several to join, instead of those of the training.
            only: the column of rows that have no other.

        Raises:
            InputError: no column is named.
        """
        from hf_newscls.data.text_columns import TextColumns, build_text_columns, parse_text_columns

        found = parse_text_columns(getattr(classifier.model.config, "hf_newscls", None), model=self.address)
        if found is None:
            found = build_text_columns(self.recipe.data) if self.recipe else TextColumns(["text"])
        chosen = only if named is None else named
        if chosen is None:
            return found
        if not chosen:
            raise InputError(f"text names no column; name one, or leave it out to use {format_examples(found.columns)}")
        return replace(found, columns=list_names(chosen))


def list_names(names: str | Sequence[str]) -> list[str]:
    """Return the name of a column, or of several, as a list.

    >>> list_names("title"), list_names(("title", "body"))
    (['title'], ['title', 'body'])
    """
    return [names] if isinstance(names, str) else [*names]


def find_model_address(model: Run | str | Path, *, runs_dir: str | Path) -> ModelAddress:
    """Return the model of a run, of a folder, of a recipe's latest run, or of an id on the Hub.

    Raises:
        RunError: there is no such run, and the name is no model either.
    """
    address = _find(model, runs_dir=Path(runs_dir))
    recipe = Path(address).parent / "recipe.yaml"
    return ModelAddress(address, read_run_recipe(recipe) if os.path.isfile(recipe) else None)


def _find(model: Run | str | Path, *, runs_dir: Path) -> str:
    try:
        return str(find_folder(model, runs_dir=runs_dir).model)
    except RunError:
        address = str(model)
        folder = os.path.expanduser(address)
        if os.path.isfile(os.path.join(folder, "recipe.yaml")):  # a run without its model
            raise
        is_model = any(os.path.isfile(os.path.join(folder, name)) for name in ("config.json", "adapter_config.json"))
        is_local = is_local_address(address) or is_recipe_path(address)
        # The path of a missing run can look like an id on the Hub: runs/news.
        is_hub_id = address.count("/") == 1 and not is_local and Path(address).parent != runs_dir
        if is_model:
            return folder
        if is_hub_id or address.startswith(PACKAGE_SCHEME):
            return address
        raise
