"""Recipes and their data: load a recipe, summarize its news file, clean and split the rows, publish them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hf_newscls.recipe.files import SOURCE_KEY
from hf_newscls.recipe.loading import read_recipe
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.storage import check_replaceable
from hf_newscls.workflow.quiet import quiet_datasets, quiet_libraries

if TYPE_CHECKING:
    from hf_newscls.data.prepared.splits import PreparedData
    from hf_newscls.hub.commit import Pushed
    from hf_newscls.overview.overview import Overview

logger = logging.getLogger(__name__)


def load_recipe(
    name_or_path: str | Path,
    *,
    data: str | Path | None = None,
    overrides: Mapping[str, object] | Sequence[str] = (),
) -> Recipe:
    """Load a recipe, with what it extends and with overrides, and validate it.

    Args:
        name_or_path: the name of a recipe, such as `quickstart`, or the path of a .yaml file.
        data: the news file; replaces `data.source`.
        overrides: values by their keys, as in `{"training_arguments.learning_rate": 1e-5}`, or a list of
            `section.key=value` as on the command line.

    Raises:
        RecipeError: there is no such recipe, or its values cannot be used; the message lists all of them.

    >>> load_recipe("quickstart", overrides={"model.max_length": 32}).model.max_length
    32
    """
    return read_recipe(str(name_or_path), overrides, source=None if data is None else str(data))


def to_recipe(recipe: Recipe | str | Path) -> Recipe:
    """Return a recipe, which may be given by its name or path."""
    return recipe if isinstance(recipe, Recipe) else load_recipe(recipe)


def overview(recipe: Recipe | str | Path, folder: str | Path) -> Overview:
    """Summarize the data file of a recipe, as a page with figures, JSON and lists of rows.

    Args:
        recipe: a recipe, or its name or path; the tokenizer of its model counts the tokens.
        folder: folder to write; an earlier overview there is replaced.

    Raises:
        InputError: recipe, data or tokenizer cannot be used, or the folder contains other files.
    """
    from hf_newscls.data.preparation import fetch_recipe_source, read_dates, read_source

    recipe, folder = to_recipe(recipe), Path(folder)
    check_replaceable(folder, markers=["overview.json", "overview.md"], content="an overview")
    source = fetch_recipe_source(recipe)
    cleaned = read_source(recipe, source)
    dates = read_dates(cleaned.dataset, recipe.data, source_name=source.name)

    # Imported late, because these take seconds: a bad file is reported before.
    from hf_newscls.modeling.loading import load_tokenizer
    from hf_newscls.overview.overview import build_overview
    from hf_newscls.overview.page import write_overview

    with quiet_libraries():
        found = build_overview(recipe, cleaned, load_tokenizer(recipe.model), dates=dates)
    write_overview(found, folder)
    logger.info("wrote %s", folder / "overview.md")
    return found


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
    from hf_newscls.data.prepared.splits import save_prepared

    with quiet_datasets():
        prepared = preparation.prepare(to_recipe(recipe))
        if output is not None:
            save_prepared(prepared, Path(output))
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
        RecipeError: the texts are not English, but `data.language` is not set.
        PublishError: the Hub refused the push or cannot be reached, the repository is public but must be private, or
            it contains something else.
    """
    from hf_newscls.data.language import check_language
    from hf_newscls.data.readers.rows import ROW_ID
    from hf_newscls.hub.preflight import find_target
    from hf_newscls.hub.publish_dataset import push_dataset
    from hf_newscls.report.dataset_card import render_dataset_card

    recipe = to_recipe(recipe)
    check_language(prepared.splits["train"], recipe.data, source_name=recipe.data.source_text)
    target = find_target(repo_id or recipe.name, private=private, repo_type="dataset")
    # Without a column of splits: `load_dataset` has the split of a row already.
    kept = {ROW_ID, "text", "label", *recipe.data.keep, *recipe.split_columns} - {"split", SOURCE_KEY}
    return push_dataset(
        prepared.splits.select_columns([name for name in prepared.splits["train"].column_names if name in kept]),
        target,
        card=render_dataset_card(recipe, prepared.manifest, repo_id=target.repo_id),
        message=f"Prepare {recipe.name} with hf_newscls",
    )
