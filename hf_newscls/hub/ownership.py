"""Tell a repository that an earlier push of the same kind left from one that holds something else."""

from collections.abc import Collection

import yaml
from huggingface_hub import DatasetCard

from hf_newscls.errors import PublishError, format_examples
from hf_newscls.hub.commit import Head

__all__ = ["check_ownership"]

# What the Hub itself puts into a new repository.
_HUB_FILES = {".gitattributes"}


def check_ownership(
    head: Head, *, repo_id: str, content: str, tags: Collection[str], forbidden: Collection[str] = ()
) -> None:
    """Refuse a repository that holds something else than what would be pushed over.

    Args:
        head: what stands there.
        repo_id: for the message.
        content: what such a repository holds, for the message, as in "a leaderboard".
        tags: that the card of such a repository has.
        forbidden: tags that it has not.

    Raises:
        PublishError: it holds files without a card, or with the card of something else.
    """
    found = _read_tags(head.card)
    if found.issuperset(tags) and found.isdisjoint(forbidden):
        return
    others = sorted(head.files.keys() - _HUB_FILES)
    if others:
        raise PublishError(
            f"{repo_id}: must be new or hold {content}, found {format_examples(others)} of something else; "
            "name another repository"
        )


def _read_tags(card: str) -> set[str]:
    if not card:
        return set()
    try:
        tags = DatasetCard(card).data.get("tags")
    except (ValueError, yaml.YAMLError):
        return set()
    return {str(tag) for tag in tags} if isinstance(tags, list) else set()
