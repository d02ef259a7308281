"""Publish a run: collect its files, check them, and push them in one commit."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from hf_newscls.hub.commit import CARD_FILE, Content, Head, Pushed, PushOptions, push_files
from hf_newscls.hub.file_checks import check_model
from hf_newscls.hub.load_check import check_reproduction, read_samples
from hf_newscls.hub.preflight import check_license, check_metadata, find_target
from hf_newscls.hub.staging import DELETE_PATTERNS, stage_run
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.report.model_card import extract_notes, links_demo
from hf_newscls.runs.folder import RunFolder

logger = logging.getLogger(__name__)


def publish_run(
    run: RunFolder,
    recipe: Recipe,
    options: PushOptions,
    *,
    render_card: Callable[[str, str, bool], str],
    repo_id: str | None = None,
    private: bool | None = None,
    replace_card: bool = False,
    has_demo: bool = False,
) -> Pushed:
    """Push an evaluated run's model, card, metrics and predictions in one commit; the run is not changed.

    Args:
        run: a run folder.
        recipe: of the run; names the repository, and says whether it must be private, if the arguments do not.
        options: how to push; files of an earlier version are deleted.
        render_card: returns the card, given owner/name, the notes that someone wrote into the card on the Hub, and
            whether it links to the demo.
        repo_id: owner/name or name.
        private: whether the repository must be private.
        replace_card: overwrite a card that hf-newscls did not write.
        has_demo: whether the model has a demo in a Space of the same name; a link on the published card stays.

    Raises:
        InputError: the name of the repository is not valid, or the run cannot be read.
        PublishError: the model must not be published, or the Hub refused or could not be reached.
    """
    target = find_target(
        repo_id or recipe.hub.repo_id or recipe.name,
        private=recipe.hub.private if private is None else private,
        is_proposal=options.create_pr,
    )
    card = render_card(target.repo_id, "", has_demo)
    staged = stage_run(run, recipe, card=card)
    check_model(staged)
    accuracy = run.read_json(run.metrics)["test"]["accuracy"]
    logger.info("publishing %s, test accuracy %.4f, to %s", run.path.name, accuracy, target.repo_id)
    if private is False and target.is_private and target.exists:
        logger.warning("%s stays private; change that in its settings on the Hub", target.repo_id)
    check_metadata(card)
    check_license(recipe)
    base = recipe.base_model if recipe.is_adapter_alone else None
    check_reproduction(run.model, read_samples(run.predictions), base=base)

    def build(head: Head) -> Mapping[str, Content]:
        """Return the files, with a card that keeps the notes of the published one."""
        notes = "" if replace_card else extract_notes(head.card, repo_id=target.repo_id)
        links = has_demo or links_demo(head.card, target.repo_id)
        return {**staged, CARD_FILE: render_card(target.repo_id, notes, links).encode()}

    return push_files(build, target, replace(options, delete_patterns=DELETE_PATTERNS))
