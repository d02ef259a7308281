"""Publish a run: gather it, check it, and push it in one commit."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from hf_newscls.hub.account import check_revision, name_repo, require_account
from hf_newscls.hub.commit import CARD_FILE, Content, Head, Pushed, PushOptions, push_files
from hf_newscls.hub.file_checks import check_model
from hf_newscls.hub.load_check import check_reproduction, read_samples
from hf_newscls.hub.preflight import Target, check_license, check_metadata, find_target
from hf_newscls.hub.staging import OWNED_FILES, stage_run
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.report.card_notes import extract_notes
from hf_newscls.runs.folder import RunFolder

__all__ = ["PublishOptions", "publish_run"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PublishOptions:
    """Where a model goes, and how.

    Attributes:
        repo_id: owner/name or name; what the recipe says, or the recipe's name, where it is None.
        private: whether the repository must be private; what the recipe says where it is None.
        revision: branch that takes the commit.
        as_pull_request: propose the commit.
        tag: name that the commit gets besides, as in v1.0.
        replace_card: push over a card that somebody else wrote.
    """

    repo_id: str | None = None
    private: bool | None = None
    revision: str = "main"
    as_pull_request: bool = False
    tag: str | None = None
    replace_card: bool = False


def publish_run(
    run: RunFolder, recipe: Recipe, options: PublishOptions, *, render_card: Callable[[str, str], str]
) -> Pushed:
    """Push a run's model, card, metrics and predictions in one commit; can be repeated, and the run is only read.

    Args:
        run: a measured run.
        recipe: of the run.
        options: where to, and how.
        render_card: returns the card, given owner/name and the notes that were written into it by hand.

    Raises:
        InputError: a name is no name.
        PublishError: the model must not be published, or the Hub refused or could not be reached.
    """
    for name in (options.revision, *(() if options.tag is None else (options.tag,))):
        check_revision(name)
    target = _find_target(recipe, options)

    # Before the Hub is asked for anything more: what must not be published is not half published either.
    card = render_card(target.repo_id, "")
    staged = stage_run(run, recipe, card=card)
    check_model(staged)
    accuracy = run.read_json(run.metrics)["test"]["accuracy"]
    logger.info("publishing %s, test accuracy %.4f, to %s", run.path.name, accuracy, target.repo_id)
    if options.private is False and target.is_private and target.exists:
        logger.warning("%s is private and stays so: change that in its settings on the Hub", target.repo_id)
    check_metadata(card)
    check_license(recipe)
    base = recipe.base_model if recipe.is_adapter_alone else None
    check_reproduction(run.model, read_samples(run.predictions), base=base)

    def build(head: Head) -> dict[str, Content]:
        """Return the files, with a card that keeps the notes of the one there."""
        notes = "" if options.replace_card else extract_notes(head.card, repo_id=target.repo_id)
        return {**staged, CARD_FILE: render_card(target.repo_id, notes).encode()}

    return push_files(
        build,
        target,
        PushOptions(
            message=f"Train {recipe.name} with hf_newscls",
            revision=options.revision,
            as_pull_request=options.as_pull_request,
            tag=options.tag,
            owned=OWNED_FILES,
        ),
    )


def _find_target(recipe: Recipe, options: PublishOptions) -> Target:
    account = require_account()
    return find_target(
        name_repo(options.repo_id or recipe.hub.repo_id, account, default_name=recipe.name),
        account,
        private=recipe.hub.private if options.private is None else options.private,
        is_proposal=options.as_pull_request,
    )
