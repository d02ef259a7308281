"""A repository is pushed over only where an earlier push of the same kind left what it holds."""

import pytest

from hf_newscls.errors import PublishError
from hf_newscls.hub.commit import Head
from hf_newscls.hub.ownership import check_ownership


def check(card: str, *files: str) -> None:
    head = Head("c" * 40, dict.fromkeys(files, "hash"), card)
    check_ownership(head, repo_id="owner/it", content="lists", tags=("ours", "list"), forbidden=("page",))


@pytest.mark.parametrize(
    ("card", "files"),
    [
        ("", ()),
        ("", (".gitattributes",)),
        ("---\ntags:\n- list\n- ours\n- mine\n---\n", ("README.md", "notes.md")),
        ("---\r\ntags: [ours, list]\r\n---\r\n# Edited\r\n", ("README.md",)),
    ],
)
def test_repository_that_is_new_or_ours_is_taken(card: str, files: tuple[str, ...]) -> None:
    check(card, *files)


@pytest.mark.parametrize(
    "card",
    [
        "# No metadata",
        "---\ntags: ours list\n---\n",
        "---\ntags: [ours]\n---\n",
        "---\ntags: [ours, list, page]\n---\n",
        "---\ntags: [ours, list\n---\n",
        "---\n- ours\n- list\n---\n",
    ],
)
def test_repository_of_something_else_is_refused(card: str) -> None:
    with pytest.raises(PublishError, match=r"owner/it: must be new or hold lists, found 'README\.md' of something els"):
        check(card, ".gitattributes", "README.md")
