"""Where a token may write, and what may be the name of a repository or a branch."""

import pytest

from hf_newscls.errors import InputError
from hf_newscls.hub.account import Account, check_repo_id, check_revision, name_repo


def account(role: str = "write", *, grants: frozenset[str] = frozenset()) -> Account:
    return Account("ann", role, {"press": "write", "club": "read", "lab": "contributor", "union": "admin"}, grants)


@pytest.mark.parametrize(
    ("repo_id", "expected"),
    [
        ("ann/news", True),
        ("press/news", True),
        ("lab/news", True),
        ("union/news", True),
        ("club/news", False),
        ("bob/news", False),
    ],
)
def test_write_token_writes_where_its_owner_may(repo_id: str, expected: bool) -> None:
    assert account().can_write(repo_id) is expected
    assert account().can_create(repo_id) is expected
    assert not account("read").can_write(repo_id)


@pytest.mark.parametrize(
    ("grant", "repo_id", "writes", "creates"),
    [
        ("ann", "ann/news", True, True),
        ("ann/news", "ann/news", True, False),
        ("ann/news", "ann/other", False, False),
        ("press", "press/news", True, True),
        ("press", "ann/news", False, False),
    ],
)
def test_fine_grained_token_writes_what_it_was_granted(grant: str, repo_id: str, writes: bool, creates: bool) -> None:
    found = account("fineGrained", grants=frozenset({grant}))
    assert (found.can_write(repo_id), found.can_create(repo_id)) == (writes, creates)


@pytest.mark.parametrize(
    ("given", "expected"), [(None, "ann/tiny"), ("news", "ann/news"), ("press/news", "press/news")]
)
def test_name_is_completed_by_account_and_recipe(given: str | None, expected: str) -> None:
    assert name_repo(given, account(), default_name="tiny") == expected


@pytest.mark.parametrize("name", ["a/b/c", "ann/", "/news", "ann/-news", "ann/ne ws", "ann/a--b", "ann/" + "x" * 97])
def test_impossible_name_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="repository: must be named owner/name, got "):
        check_repo_id(name)


@pytest.mark.parametrize("name", ["main", "v1.0", "feature/long-texts", "refs/pr/1", "2026-11"])
def test_branch_and_tag_may_be_named(name: str) -> None:
    check_revision(name)


@pytest.mark.parametrize("name", ["", "-f", "../main", "a..b", "a b", "a//b", "x.lock", "a/", "v1.", "a\nb", "a?b=c"])
def test_impossible_branch_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="branch or tag: must be a name of letters"):
        check_revision(name)
