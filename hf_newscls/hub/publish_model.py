"""Publish a run: collect its files, check them, and push them in one commit."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from hf_newscls.hub.commit import CARD_FILE, Content, Head, Pushed, PushOptions, push_files
from hf_newscls.hub.file_checks import check_model
from hf_newscls.hub.load_check import check_reproduction, read_samples
from hf_newscls.hub.preflight import Target, check_license, check_metadata
from hf_newscls.hub.staging import DELETE_PATTERNS, stage_run
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.runs.folder import RunFolder

logger = logging.getLogger(__name__)


def publish_run(
    run: RunFolder,
    recipe: Recipe,
    options: PushOptions,
    *,
    target: Target,
    render_card: Callable[[str], str],
    onnx: bool = False,
) -> Pushed:
    """Push an evaluated run's model, card, metrics and predictions in one commit; the run is not changed.

    Args:
        run: a run folder.
        recipe: of the run.
        options: how to push; files of an earlier version are deleted.
        target: the model repository.
        render_card: returns the card, given the published one, which is empty if there is none.
        onnx: push the ONNX files of the run's export too.

    Raises:
        InputError: the run cannot be read.
        PublishError: the model must not be published, or the Hub refused or could not be reached.
    """
    card = render_card("")
    staged = stage_run(run, recipe, card=card, onnx=onnx)
    check_model(staged)
    accuracy = run.read_json(run.metrics)["test"]["accuracy"]
    logger.info("publishing %s, test accuracy %.4f, to %s", run.path.name, accuracy, target.repo_id)
    check_metadata(card)
    check_license(recipe)
    base = recipe.base_model if recipe.is_adapter_only else None
    check_reproduction(run.model, read_samples(run.predictions), base=base)

    def build(head: Head) -> Mapping[str, Content]:
        """Return the files, with a card that keeps notes and demo link of the published one."""
        return {**staged, CARD_FILE: render_card(head.card).encode()}

    return push_files(build, target, replace(options, delete_patterns=DELETE_PATTERNS))
