"""Publish a run: collect its files, check them, and push them in one commit."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hf_newscls.errors import InputError
from hf_newscls.hub.account import check_revision, name_repo, require_account
from hf_newscls.hub.commit import CARD_FILE, Content, Head, Pushed, PushOptions, push_files
from hf_newscls.hub.file_checks import check_model
from hf_newscls.hub.load_check import check_reproduction, read_samples
from hf_newscls.hub.preflight import check_license, check_metadata, find_target
from hf_newscls.hub.staging import DELETE_PATTERNS, stage_run
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.report.model_card import extract_notes
from hf_newscls.runs.folder import RunFolder

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PublishOptions:
    """Where a model is pushed, and how.

    Attributes:
        repo_id: owner/name or name; None for the recipe's `hub.repo_id`, or else its name.
        private: whether the repository must be private; None for the recipe's `hub.private`.
        revision: the branch; it is created if it does not exist.
        create_pr: open a pull request for main, or update the open one.
        tag: name of the commit, as in v1.0.
        replace_card: overwrite a card that hf-newscls did not write.

    Raises:
        InputError: a branch or tag has an impossible name, or goes with a pull request.
    """

    repo_id: str | None = None
    private: bool | None = None
    revision: str = "main"
    create_pr: bool = False
    tag: str | None = None
    replace_card: bool = False

    def __post_init__(self) -> None:
        """Check what the fields say together."""
        check_revision(self.revision)
        if self.tag is not None:
            check_revision(self.tag)
        if self.create_pr and self.tag is not None:
            raise InputError(f"tag is {self.tag!r}, but a pull request has no tag; tag the commit after the merge")
        if self.create_pr and self.revision != "main":
            raise InputError(f"revision is {self.revision!r}, but a pull request is for main; leave one of them out")


def publish_run(
    run: RunFolder, recipe: Recipe, options: PublishOptions, *, render_card: Callable[[str, str], str]
) -> Pushed:
    """Push a run's model, card, metrics and predictions in one commit; the run is not changed.

    Args:
        run: an evaluated run.
        recipe: of the run.
        options: where and how.
        render_card: returns the card, given owner/name and the notes that someone wrote into the card on the Hub.

    Raises:
        InputError: the name of the repository is not valid, or the run cannot be read.
        PublishError: the model must not be published, or the Hub refused or could not be reached.
    """
    account = require_account()
    target = find_target(
        name_repo(options.repo_id or recipe.hub.repo_id, account, default_name=recipe.name),
        account,
        private=recipe.hub.private if options.private is None else options.private,
        is_proposal=options.create_pr,
    )
    card = render_card(target.repo_id, "")
    staged = stage_run(run, recipe, card=card)
    check_model(staged)
    accuracy = run.read_json(run.metrics)["test"]["accuracy"]
    logger.info("publishing %s, test accuracy %.4f, to %s", run.path.name, accuracy, target.repo_id)
    if options.private is False and target.is_private and target.exists:
        logger.warning("%s stays private; change that in its settings on the Hub", target.repo_id)
    check_metadata(card)
    check_license(recipe)
    base = recipe.base_model if recipe.is_adapter_alone else None
    check_reproduction(run.model, read_samples(run.predictions), base=base)

    def build(head: Head) -> Mapping[str, Content]:
        """Return the files, with a card that keeps the notes of the published one."""
        notes = "" if options.replace_card else extract_notes(head.card, repo_id=target.repo_id)
        return {**staged, CARD_FILE: render_card(target.repo_id, notes).encode()}

    return push_files(
        build,
        target,
        PushOptions(
            message=f"Train {recipe.name} with hf_newscls",
            revision=options.revision,
            create_pr=options.create_pr,
            tag=options.tag,
            delete_patterns=DELETE_PATTERNS,
        ),
    )
