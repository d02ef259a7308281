"""Check that a repository was written by an earlier push of the same kind."""

from collections.abc import Collection

import yaml
from huggingface_hub import DatasetCard

from hf_newscls.errors import PublishError, format_examples
from hf_newscls.hub.commit import Head


def check_ownership(
    head: Head, *, repo_id: str, content: str, tags: Collection[str], forbidden: Collection[str] = ()
) -> None:
    """Refuse to overwrite a repository that holds something else.

    Args:
        head: the branch at its newest commit.
        repo_id: for the message.
        content: what is pushed, for the message, as in "a leaderboard".
        tags: that the card must have.
        forbidden: tags that the card must not have.

    Raises:
        PublishError: there are files, and no card with these tags.
    """
    files = sorted(head.files.keys() - {".gitattributes"})  # which the Hub puts into a new repository
    try:
        listed = DatasetCard(head.card).data.get("tags") if head.card else None
    except (ValueError, yaml.YAMLError):
        listed = None
    found = {str(tag) for tag in listed} if isinstance(listed, list) else set()
    if files and not (found.issuperset(tags) and found.isdisjoint(forbidden)):
        raise PublishError(f"{repo_id}: holds {format_examples(files)}, but not {content}; name another repository")
