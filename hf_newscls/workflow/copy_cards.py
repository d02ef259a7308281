"""Copy the model cards of finished runs into one folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hf_newscls.errors import RunError
from hf_newscls.storage import check_folder
from hf_newscls.workflow.run import find_folder


def copy_cards(runs: Sequence[str | Path], folder: str | Path, *, runs_dir: str | Path = "runs") -> list[Path]:
    """Write the card of each run, named after its recipe, and its figures; return the paths of the cards.

    Args:
        runs: given as to `load_run`.
        folder: the cards go there, and their figures into `figures/RECIPE` below it.
        runs_dir: where the run folders are.

    Raises:
        RunError: there is no such run, or it is not finished; nothing was written.
    """
    from hf_newscls.workflow.cards import write_card

    folder = Path(folder)
    check_folder(folder)
    found = [find_folder(run, runs_dir=runs_dir) for run in runs]
    if unfinished := next((run for run in found if not run.is_complete), None):
        raise RunError(f"{unfinished.path}: not finished, it has no card; train or evaluate it first")
    recipes = [run.read_recipe() for run in found]
    for run, recipe in zip(found, recipes, strict=True):
        write_card(run, recipe, cards_dir=folder)
    return [folder / f"{recipe.name}.md" for recipe in recipes]
