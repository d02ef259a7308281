"""Push the demo of a model to a Space in one commit, if nothing else is there."""

from collections.abc import Mapping
from dataclasses import replace

from hf_newscls.errors import InputError
from hf_newscls.hub.commit import CARD_FILE, Pushed, PushOptions, find_head
from hf_newscls.hub.ownership import Ownership, check_ownership, push_owned
from hf_newscls.hub.preflight import Target, check_metadata, find_target
from hf_newscls.report.card_metadata import TOOL_TAG

_OWNERSHIP = Ownership("a demo of hf-newscls", tags=(TOOL_TAG,))


def find_space(name: str, options: PushOptions, *, private: bool) -> Target:
    """Return the Space of a model, which has the model's name, before the model is pushed.

    Raises:
        InputError: the model does not go to the main branch, or the name is not valid.
        PublishError: the token may not push there, the Space is public but must be private or holds something else, or
            the Hub failed.
    """
    if options.create_pr or options.revision != "main":
        place = "a pull request" if options.create_pr else f"the branch {options.revision!r}"
        raise InputError(f"space: the model goes to {place}, but a Space shows main; publish it there first")
    target = find_target(name, private=private, repo_type="space")
    if head := find_head(target, "main"):
        check_ownership(head, _OWNERSHIP, repo_id=target.repo_id)
    return target


def push_space(files: Mapping[str, bytes], target: Target, options: PushOptions) -> Pushed:
    """Push the files of a demo; make no commit if nothing changed.

    Raises:
        PublishError: the Hub refused or could not be reached, or the Space holds something else.
    """
    check_metadata(files[CARD_FILE].decode(), repo_type="space")
    return push_owned(files, target, replace(options, tag=None), ownership=_OWNERSHIP)
