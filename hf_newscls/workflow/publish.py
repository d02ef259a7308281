"""Publish finished runs and leaderboards on the Hub."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hf_newscls.errors import InputError
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.storage import check_replaceable, replace_file
from hf_newscls.workflow.run import Run, find_folder

if TYPE_CHECKING:
    from hf_newscls.comparison.leaderboard import Leaderboard
    from hf_newscls.hub.commit import Pushed
    from hf_newscls.hub.preflight import Target

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
    on_replace: Callable[[str], None] | None = None,
    onnx: bool = False,
    space: bool = False,
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
        on_replace: called with a sentence before anything is pushed, if the commit would replace a model with a better
            macro F1 on the same split, or a model of another split; an error that it raises ends the command. By
            default that is an `InputError`.
        onnx: push the ONNX files that `export` wrote too, in the same commit.
        space: also push a page on which anyone can try the model, to a Space of the same name.
        runs_dir: where the run folders are.

    Raises:
        InputError: there is no such run, it is incomplete or not exported, the options contradict each other, or the
            model on the Hub should stay.
        PublishError: the model must not be published, or the Hub refused the push or cannot be reached.
    """
    from hf_newscls.demo.files import build_space_files
    from hf_newscls.demo.settings import read_settings
    from hf_newscls.hub.commit import PushOptions
    from hf_newscls.hub.preflight import find_target
    from hf_newscls.hub.publish_model import publish_run
    from hf_newscls.hub.publish_space import find_space, push_space
    from hf_newscls.onnx_export.record import read_record
    from hf_newscls.report.model_card import extract_notes, links_demo
    from hf_newscls.workflow.cards import render_run_card

    folder = find_folder(run, runs_dir=runs_dir)
    recipe = folder.read_recipe()
    exported = read_record(folder.export) if onnx else None
    options = PushOptions(
        f"Train {recipe.name} with hf_newscls",
        revision=revision,
        create_pr=create_pr,
        tag=tag,
        command="hf-newscls publish --space" if space else "hf-newscls publish",
    )
    name = repo_id or recipe.hub.repo_id or recipe.name
    is_private = recipe.hub.private if private is None else private
    target = find_target(name, private=is_private, is_proposal=create_pr)
    # Before the model is pushed: its card will link to the Space.
    space_target = find_space(name, options, private=is_private) if space else None
    if private is False and target.is_private and target.exists:
        logger.warning("%s stays private; change that in its settings on the Hub", target.repo_id)

    def render(published: str) -> str:
        """Return the card, with the notes and the link to the demo of the published one."""
        return render_run_card(
            folder,
            recipe,
            model_address=target.repo_id,
            exported=exported,
            notes="" if replace_card else extract_notes(published, repo_id=target.repo_id),
            has_demo=space or links_demo(published, target.repo_id),
        )

    if not create_pr:  # a pull request replaces nothing before someone merges it
        _check_replacement(target, revision, card=render(""), on_replace=on_replace)
    pushed = publish_run(folder, recipe, options, target=target, render_card=render, onnx=onnx)
    if space_target is None:
        return pushed
    settings = read_settings(folder.model, recipe, model=space_target.repo_id, revision=pushed.commit)
    return replace(pushed, space=push_space(build_space_files(settings, recipe), space_target, options))


def _check_replacement(target: Target, revision: str, *, card: str, on_replace: Callable[[str], None] | None) -> None:
    """Compare the card with the published one."""
    from hf_newscls.comparison.replacement import find_objection
    from hf_newscls.hub.commit import find_head

    head = find_head(target, revision)
    objection = find_objection(head.card, card) if head else None
    if objection is None:
        return
    objection = f"{target.repo_id}: the model on the Hub {objection}"
    if on_replace is None:
        raise InputError(f"{objection}; nothing was pushed; to replace it, add --yes, or in Python on_replace=print")
    on_replace(objection)


def check_publishing(recipe: Recipe) -> bool:
    """Check before training whether the model can be published after it; return whether there is a token.

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


def check_leaderboard_target(
    folder: str | Path | None = None, repo_id: str | None = None, *, private: bool = True
) -> None:
    """Check before a long comparison whether its leaderboard can be saved and published.

    Raises:
        InputError: the folder holds something else or is a file, or the repository's name is not valid.
        PublishError: there is no token, or it may not push there, or the Hub cannot be reached.
    """
    if folder is not None:
        check_replaceable(Path(folder), markers=["leaderboard.json", "leaderboard.md"], content="a leaderboard")
    if repo_id is not None:
        from hf_newscls.hub.preflight import find_target

        find_target(repo_id, private=private, repo_type="dataset")


def save_leaderboard(board: Leaderboard, folder: str | Path) -> None:
    """Write leaderboard.md, leaderboard.json and leaderboard.png; equal leaderboards give equal bytes.

    Other files in the folder of a leaderboard stay, for example those of a clone of its repository.

    Raises:
        RunError: the folder holds something else.
        StorageError: there is a file with the folder's name.
    """
    from hf_newscls.comparison.page import build_leaderboard_files

    folder = Path(folder)
    check_leaderboard_target(folder)
    for name, content in build_leaderboard_files(board).items():
        with replace_file(folder / name) as fresh:
            fresh.write_bytes(content)
    logger.info("wrote %s", folder / "leaderboard.md")


def publish_leaderboard(board: Leaderboard, repo_id: str, *, private: bool = True) -> Pushed:
    """Push a leaderboard to a dataset repository in one commit; no commit if nothing changed.

    Args:
        board: what to push.
        repo_id: owner/name, or only the name for your own account.
        private: whether the repository must be private.

    Raises:
        InputError: the name is not valid for a repository.
        PublishError: the Hub refused or could not be reached, or the repository holds something else.
    """
    from hf_newscls.comparison.page import build_leaderboard_files, render_board_card
    from hf_newscls.hub.commit import PushOptions
    from hf_newscls.hub.ownership import Ownership, push_owned
    from hf_newscls.hub.preflight import find_target
    from hf_newscls.report.card_metadata import LEADERBOARD_TAG, TOOL_TAG

    target = find_target(repo_id, private=private, repo_type="dataset")
    files = {**build_leaderboard_files(board), "README.md": render_board_card(board).encode()}
    options = PushOptions(message="Compare models with hf_newscls", command="hf-newscls compare --publish")
    ownership = Ownership("a leaderboard", tags=(TOOL_TAG, LEADERBOARD_TAG))
    return push_owned(files, target, options, ownership=ownership)
