"""Publish finished runs on the Hub."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from hf_newscls.recipe.recipe import Recipe
from hf_newscls.workflow.run import Run, find_folder

if TYPE_CHECKING:
    from hf_newscls.hub.commit import Pushed

logger = logging.getLogger(__name__)


def publish(
    run: Run | str | Path,
    *,
    repo_id: str | None = None,
    private: bool | None = None,
    revision: str = "main",
    create_pr: bool = False,
    tag: str | None = None,
    replace_card: bool = False,
    runs_dir: str | Path = "runs",
) -> Pushed:
    """Check the model of a finished run in a fresh process, and push it with its card to the Hub in one commit.

    It can be repeated: unchanged files are not pushed again.

    Args:
        run: a run, a run folder, or the name or path of a recipe, for its latest run.
        repo_id: owner/name or name; by default the recipe's `hub.repo_id`, or else the name of the recipe.
        private: whether the repository must be private; by default the recipe's `hub.private`.
        revision: branch for the commit; created if missing.
        create_pr: open a pull request, or update the open one.
        tag: a name for the commit, such as v1.0.
        replace_card: replace a card that hf-newscls did not write.
        runs_dir: where the run folders are.

    Raises:
        InputError: there is no such run, it is incomplete, or the options contradict each other.
        PublishError: the model must not be published, or the Hub refused the push or cannot be reached.
    """
    from hf_newscls.hub.publish_model import PublishOptions, publish_run
    from hf_newscls.workflow.artifacts import render_run_card

    options = PublishOptions(
        repo_id=repo_id,
        private=private,
        revision=revision,
        create_pr=create_pr,
        tag=tag,
        replace_card=replace_card,
    )
    folder = find_folder(run, runs_dir=runs_dir)
    recipe = folder.read_recipe()

    def render(repo_id: str, notes: str) -> str:
        """Render the card for its repository."""
        return render_run_card(folder, recipe, model_address=repo_id, notes=notes)

    return publish_run(folder, recipe, options, render_card=render)


def check_publishing(recipe: Recipe) -> bool:
    """Check before training whether the model can be published after it.

    Returns:
        Whether there is a token; without one, the model can be published later.

    Raises:
        InputError: the repository's name is invalid.
        PublishError: the Hub would refuse the model.
    """
    from hf_newscls.hub.preflight import preflight

    target = preflight(recipe)
    if target is None:
        logger.warning("no access token found: the model will be trained and can be published later")
        return False
    logger.info("%s will be published to %s", recipe.name, target.repo_id)
    return True
