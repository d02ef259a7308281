"""Prepare a news file: clean and split its rows, and publish them as a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hf_newscls.recipe.recipe import Recipe
from hf_newscls.workflow.recipes import to_recipe

if TYPE_CHECKING:
    from hf_newscls.data.preparation import PreparedData
    from hf_newscls.hub.commit import Pushed


def prepare(recipe: Recipe | str | Path, *, output: str | Path | None = None) -> PreparedData:
    """Read, clean and split the data file of a recipe.

    The result is cached: the same file and the same settings are read once.

    Args:
        recipe: a recipe, or its name or path.
        output: folder for the `DatasetDict`, for `datasets.load_from_disk`, and for split.json.

    Raises:
        SourceError: the file does not exist or cannot be fetched.
        DataError: its content does not fit the recipe.
        RunError: `output` contains other files, which would be lost.
    """
    from hf_newscls.data import preparation

    prepared = preparation.prepare(to_recipe(recipe))
    if output is not None:
        preparation.save_prepared(prepared, Path(output))
    return prepared


def publish_prepared(
    prepared: PreparedData, recipe: Recipe | str | Path, *, repo_id: str | None = None, private: bool = True
) -> Pushed:
    """Push prepared rows, with a card, to a dataset repository on the Hub in one commit.

    Args:
        prepared: the result of `prepare`.
        recipe: the recipe it was prepared with, or its name or path.
        repo_id: owner/name or name; by default the name of the recipe.
        private: whether the repository must be private.

    Raises:
        PublishError: the Hub refused the push or cannot be reached, the repository is public but must be private, or
            it contains something else.
    """
    from hf_newscls.data.readers.rows import ROW_ID
    from hf_newscls.hub.preflight import find_target
    from hf_newscls.hub.publish_dataset import push_dataset
    from hf_newscls.report.dataset_card import render_dataset_card

    recipe = to_recipe(recipe)
    target = find_target(repo_id or recipe.name, private=private, repo_type="dataset")
    # Without a column `split`: `load_dataset` has the split of a row already.
    kept = {ROW_ID, "text", "label", *recipe.data.keep, *recipe.split_columns} - {"split"}
    return push_dataset(
        prepared.splits.select_columns([name for name in prepared.splits["train"].column_names if name in kept]),
        target,
        card=render_dataset_card(recipe, prepared.manifest, repo_id=target.repo_id),
        message=f"Prepare {recipe.name} with hf_newscls",
    )
