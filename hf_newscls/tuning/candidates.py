"""The recipe that a search starts from, and the recipes with the values of its trials."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hf_newscls.recipe.loading import RecipeDraft, nest_changes, read_draft
from hf_newscls.recipe.lookup import is_recipe_path
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.recipe.serialization import content_to_yaml


@dataclass(frozen=True)
class BaseRecipe:
    """A recipe as the user named it, with overrides."""

    name_or_path: str
    overrides: Sequence[str] = ()  # section.key=value
    data: str | None = None  # replaces data.source

    @cached_property
    def draft(self) -> RecipeDraft:
        """Its content, read once: an edit of the file must not change the trials of a search that runs."""
        return read_draft(self.name_or_path, self.overrides)

    def read(self, values: Mapping[str, object]) -> Recipe:
        """Return the recipe with other values.

        Raises:
            RecipeError: it does not accept a value.
        """
        return self.draft.build(values, source=self.data)

    def to_yaml(self, values: Mapping[str, object], *, name: str, folder: Path, comment: str) -> str:
        """Return a recipe file that extends this recipe and has only what differs.

        Args:
            values: of the best trial.
            name: of the new recipe.
            folder: where the file will be.
            comment: its first line.
        """
        parent = self.name_or_path
        if is_recipe_path(parent):
            # Resolved: where the folder is a link, .. leads elsewhere.
            parent = os.path.relpath(Path(parent).resolve(), folder.resolve())
        source = {} if self.data is None else {"data.source": self.data}
        content = nest_changes(self.overrides, {**source, **values, "name": name})
        return f"# {comment}\n{content_to_yaml({'extends': parent, **content})}"
