"""A push overwrites only what an earlier push of the same kind left."""

import pytest
from huggingface_hub.hf_api import RepoFile

from hf_newscls.errors import PublishError
from hf_newscls.hub.commit import Head
from hf_newscls.hub.ownership import Ownership, check_ownership


def check(card: str, *paths: str) -> None:
    files = {path: RepoFile(path=path, size=1, oid="a" * 40) for path in paths}
    head = Head("c" * 40, files, card)
    check_ownership(head, Ownership("lists", tags=("ours", "list"), forbidden=("page",)), repo_id="owner/it")


@pytest.mark.parametrize(
    ("card", "paths"),
    [
        ("", ()),
        ("", (".gitattributes",)),
        ("---\ntags:\n- list\n- ours\n- mine\n---\n", ("README.md", "notes.md")),
        ("---\r\ntags: [ours, list]\r\n---\r\n# Edited\r\n", ("README.md",)),
    ],
)
def test_new_repository_and_our_own_are_accepted(card: str, paths: tuple[str, ...]) -> None:
    check(card, *paths)


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
    with pytest.raises(PublishError) as caught:
        check(card, ".gitattributes", "README.md")
    assert "owner/it" in str(caught.value)
    assert "'README.md'" in str(caught.value)
    assert ".gitattributes" not in str(caught.value)
