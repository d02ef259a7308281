"""What becomes of a news file: an overview, prepared rows, a dataset on the Hub."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from hf_newscls.recipe import Recipe
from hf_newscls.storage import check_replaceable

if TYPE_CHECKING:
    from hf_newscls.overview import Overview
    from hf_newscls.preparing import PreparedData

__all__ = ["overview", "prepare", "push_prepared", "save_prepared"]

logger = logging.getLogger(__name__)


def overview(recipe: Recipe, folder: Path) -> Overview:
    """Say what is in the recipe's data file, and write it as a page with figures, JSON and lists of rows.

    Args:
        recipe: what to read, and the model whose tokenizer counts.
        folder: what is written; an earlier overview there is replaced.

    Raises:
        InputError: recipe, data or tokenizer cannot be used, or the folder holds something else.
    """
    from hf_newscls.data.source import fetch_source
    from hf_newscls.preparing import read_dates, read_source

    check_replaceable(folder, signs=["overview.json", "overview.md"], content="an overview")
    source = fetch_source(recipe.data.source, sha256=recipe.data.sha256)
    cleaned = read_source(recipe, source)
    dates = read_dates(cleaned.dataset, recipe.data.date, where=source.where)

    # These take seconds to import: a file that cannot be used is answered before.
    from hf_newscls.modeling.loading import load_tokenizer
    from hf_newscls.overview import build_overview
    from hf_newscls.overview_page import write_overview

    found = build_overview(recipe, cleaned, load_tokenizer(recipe.model), dates=dates)
    write_overview(found, folder)
    logger.info("wrote %s", folder / "overview.md")
    return found


def prepare(recipe: Recipe) -> PreparedData:
    """Read, clean and split the recipe's data file.

    Raises:
        SourceError: the file is not there, or cannot be fetched.
        DataError: its content does not fit the recipe.
    """
    from hf_newscls import preparing

    return preparing.prepare(recipe)


def save_prepared(prepared: PreparedData, folder: Path) -> None:
    """Save the `DatasetDict`, for `datasets.load_from_disk`, with the manifest beside it.

    Raises:
        RunError: the folder holds something else, which would be lost.
    """
    from hf_newscls import preparing

    preparing.save_prepared(prepared, folder)


def push_prepared(prepared: PreparedData, recipe: Recipe, *, repo_id: str | None, private: bool = True) -> str:
    """Push prepared data, with a card, to a dataset repository on the Hub in one commit; can be repeated.

    Args:
        prepared: what `prepare` returned.
        recipe: what it was prepared by.
        repo_id: owner/name or name; the recipe's name where it is None.
        private: whether the repository must be private.

    Returns:
        The address of the commit.

    Raises:
        PublishError: the Hub refused or could not be reached, the repository is public where it must be private, or
            it holds something else.
    """
    from hf_newscls.data.reading import ROW_ID
    from hf_newscls.hub.account import name_repo, require_account
    from hf_newscls.hub.dataset_card import render_dataset_card
    from hf_newscls.hub.dataset_publishing import push_dataset

    account = require_account()
    repo = name_repo(repo_id, account, default_name=recipe.name)
    card = render_dataset_card(recipe, prepared.manifest, repo_id=repo)
    message = f"Prepare {recipe.name} with hf_newscls"
    # Read back, a column of that name would be taken for the side, which the split a row lies in says now.
    kept = {ROW_ID, "text", "label", *recipe.data.keep, *recipe.split_columns} - {"split"}
    splits = prepared.splits.select_columns([name for name in prepared.splits["train"].column_names if name in kept])
    return push_dataset(splits, repo, account=account, card=card, private=private, message=message).url
