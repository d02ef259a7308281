"""What becomes of a news file: an overview, prepared rows, a dataset on the Hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hf_newscls.recipe.recipe import Recipe

if TYPE_CHECKING:
    from hf_newscls.data.preparation import PreparedData

__all__ = ["prepare", "push_prepared", "save_prepared"]


def prepare(recipe: Recipe) -> PreparedData:
    """Read, clean and split the recipe's data file.

    Raises:
        SourceError: the file is not there, or cannot be fetched.
        DataError: its content does not fit the recipe.
    """
    from hf_newscls.data import preparation

    return preparation.prepare(recipe)


def save_prepared(prepared: PreparedData, folder: Path) -> None:
    """Save the `DatasetDict`, for `datasets.load_from_disk`, with the manifest beside it.

    Raises:
        RunError: the folder holds something else, which would be lost.
    """
    from hf_newscls.data import preparation

    preparation.save_prepared(prepared, folder)


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
    from hf_newscls.data.readers.rows import ROW_ID
    from hf_newscls.hub.account import name_repo, require_account
    from hf_newscls.hub.publish_dataset import push_dataset
    from hf_newscls.report.dataset_card import render_dataset_card

    account = require_account()
    repo = name_repo(repo_id, account, default_name=recipe.name)
    card = render_dataset_card(recipe, prepared.manifest, repo_id=repo)
    message = f"Prepare {recipe.name} with hf_newscls"
    # Read back, a column of that name would be taken for the side, which the split a row lies in says now.
    kept = {ROW_ID, "text", "label", *recipe.data.keep, *recipe.split_columns} - {"split"}
    splits = prepared.splits.select_columns([name for name in prepared.splits["train"].column_names if name in kept])
    return push_dataset(splits, repo, account=account, card=card, private=private, message=message).url
