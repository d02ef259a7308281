"""Push to a repository only if it is new, or holds what an earlier push of the same kind left."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import yaml

from hf_newscls.errors import PublishError, format_examples
from hf_newscls.files import read_card_metadata
from hf_newscls.hub.commit import CARD_FILE, Content, Head, Pushed, PushOptions, push_files
from hf_newscls.hub.file_checks import check_files
from hf_newscls.hub.preflight import Target

# The Hub puts a card with this line into a new Space.
_NEW_SPACE = "Check out the configuration reference at https://huggingface.co/docs/hub/spaces-config-reference"


@dataclass(frozen=True)
class Ownership:
    """How a card shows that a repository is ours."""

    content: str  # in words for messages, as in "a leaderboard"
    tags: Collection[str]
    forbidden: Collection[str] = ()  # tags of what else we push


def push_owned(files: Mapping[str, Content], target: Target, options: PushOptions, *, ownership: Ownership) -> Pushed:
    """Check the files that are in memory, and push all in one commit; make no commit if nothing changed.

    Files on the disk are rows of the user's data: reading them again would take long.

    Raises:
        PublishError: the Hub refused or could not be reached, or the repository holds something else.
    """
    check_files({name: content for name, content in files.items() if isinstance(content, bytes)})

    def build(head: Head) -> Mapping[str, Content]:
        """Return the files, if the repository may be overwritten."""
        check_ownership(head, ownership, repo_id=target.repo_id)
        return files

    return push_files(build, target, options)


def check_ownership(head: Head, ownership: Ownership, *, repo_id: str) -> None:
    """Raise a `PublishError` if a repository has files, and no card with our tags and without the forbidden ones."""
    files = sorted(head.files.keys() - {".gitattributes"})  # which the Hub puts into a new repository
    try:
        listed = read_card_metadata(head.card).get("tags") if head.card else None
    except (ValueError, yaml.YAMLError):
        listed = None
    found = {str(tag) for tag in listed} if isinstance(listed, list) else set()
    is_new = not files or (files == [CARD_FILE] and _NEW_SPACE in head.card)
    if not is_new and not (found.issuperset(ownership.tags) and found.isdisjoint(ownership.forbidden)):
        raise PublishError(
            f"{repo_id}: holds {format_examples(files)}, but not {ownership.content}; name another repository"
        )
