"""Summarize a news file before training."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from hf_newscls.recipe.recipe import Recipe
from hf_newscls.storage import check_replaceable
from hf_newscls.workflow.recipes import to_recipe

if TYPE_CHECKING:
    from hf_newscls.overview.overview import Overview

logger = logging.getLogger(__name__)


def overview(recipe: Recipe | str | Path, folder: str | Path) -> Overview:
    """Summarize the data file of a recipe, as a page with figures, JSON and lists of rows.

    Args:
        recipe: a recipe, or its name or path; the tokenizer of its model counts the tokens.
        folder: folder to write; an earlier overview there is replaced.

    Raises:
        InputError: recipe, data or tokenizer cannot be used, or the folder contains other files.
    """
    from hf_newscls.data.preparation import read_dates, read_source
    from hf_newscls.data.sources import fetch_source

    recipe, folder = to_recipe(recipe), Path(folder)
    check_replaceable(folder, markers=["overview.json", "overview.md"], content="an overview")
    source = fetch_source(recipe.data.source, sha256=recipe.data.sha256)
    cleaned = read_source(recipe, source)
    dates = read_dates(cleaned.dataset, recipe.data, source_name=source.name)

    # Imported late, because these take seconds: a bad file is reported before.
    from hf_newscls.modeling.loading import load_tokenizer
    from hf_newscls.overview.overview import build_overview
    from hf_newscls.overview.page import write_overview

    found = build_overview(recipe, cleaned, load_tokenizer(recipe.model), dates=dates)
    write_overview(found, folder)
    logger.info("wrote %s", folder / "overview.md")
    return found
