"""Publish finished runs."""

from __future__ import annotations

import logging
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from hf_newscls.recipe.recipe import Recipe
from hf_newscls.runs.folder import RunFolder, find_run

if TYPE_CHECKING:
    from hf_newscls.hub.commit import Pushed
    from hf_newscls.hub.publish_model import PublishOptions

__all__ = ["check_publishing", "name_publish_command", "publish"]

logger = logging.getLogger(__name__)


def publish(name_or_path: str, options: PublishOptions | None = None, *, runs_dir: Path) -> Pushed:
    """Push a finished run's model, with its card, to the Hub in one commit; can be repeated.

    Args:
        name_or_path: a run folder, or a recipe, by its name or its file, whose latest run is taken.
        options: where to, and how; what the recipe says if not given.
        runs_dir: where run folders are kept.

    Raises:
        InputError: there is no such run, it is not complete, or a name is no name.
        PublishError: the model must not be published, or the Hub refused or could not be reached.
    """
    from hf_newscls.hub.publish_model import PublishOptions, publish_run
    from hf_newscls.workflow.artifacts import render_run_card

    run = find_run(name_or_path, runs_dir=runs_dir)
    recipe = run.read_recipe()

    def render(repo_id: str, notes: str) -> str:
        """Render the card for its address on the Hub."""
        return render_run_card(run, recipe, model_address=repo_id, notes=notes)

    return publish_run(run, recipe, options or PublishOptions(), render_card=render)


def check_publishing(recipe: Recipe) -> bool:
    """Find out before training whether the model can be published after it.

    Returns:
        Whether there is a token; without one, the model is published later.

    Raises:
        InputError: the repository's name is no name.
        PublishError: the Hub would refuse the model.
    """
    from hf_newscls.hub.preflight import preflight

    target = preflight(recipe)
    if target is None:
        logger.warning("no access token was found: the model is trained, and can be published later")
        return False
    logger.info("%s can be pushed to %s", recipe.name, target.repo_id)
    return True


def name_publish_command(run: RunFolder) -> str:
    """Return the command that publishes a run."""
    return f"hf-newscls publish {shlex.quote(str(run.path))}"
