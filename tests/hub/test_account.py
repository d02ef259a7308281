"""The account of a token, and names of repositories and branches."""

from typing import Any

import pytest
from huggingface_hub import HfApi

from hf_newscls.errors import InputError, PublishError
from hf_newscls.hub.account import Account, check_repo_id, check_revision, find_account
from tests.hub_server import Fault, HubServer

ROLES = {"press": "write", "lab": "contributor", "union": "admin", "club": "read"}


def read_account(monkeypatch: pytest.MonkeyPatch, role: str = "write", *scopes: dict[str, Any]) -> Account:
    """Return the account for what the Hub answers to `whoami`."""
    answer = {
        "name": "ann",
        "orgs": [{"name": name, "roleInOrg": part} for name, part in ROLES.items()],
        "auth": {"accessToken": {"role": role, "fineGrained": {"scoped": [*scopes]}}},
    }
    monkeypatch.setenv("HF_TOKEN", "any")
    monkeypatch.setattr(HfApi, "whoami", lambda _: answer)
    return find_account()


@pytest.mark.parametrize(
    ("role", "creates"), [("write", {"ann/news", "press/news", "lab/news", "union/news"}), ("read", set())]
)
def test_token_creates_where_its_owner_may_write(role: str, creates: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    account = read_account(monkeypatch, role)
    assert (account.name, account.role) == ("ann", role)
    assert {name for owner in ("ann", *ROLES, "bob") if account.can_create(name := f"{owner}/news")} == creates


@pytest.mark.parametrize(
    ("entity", "permission", "creates"),
    [
        ("ann", "repo.write", {"ann/news"}),
        ("press", "repo.content.write", {"press/news"}),
        ("press", "repo.content.read", set()),
        ("ann/news", "repo.write", set()),  # only to push to it once it exists
    ],
)
def test_fine_grained_token_creates_in_granted_namespaces(
    entity: str, permission: str, creates: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = {"entity": {"name": entity}, "permissions": [permission]}
    account = read_account(monkeypatch, "fineGrained", scope)
    assert {name for name in ("ann/news", "press/news") if account.can_create(name)} == creates


@pytest.mark.parametrize("page", [b'{"message": "no upstream"}', b"[1]", b"null", b"<html>Log in"])
def test_page_of_a_proxy_is_no_account(page: bytes, hub_here: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hf_newscls.hub.retry.time.sleep", lambda _: None)
    hub_here.faults.append(Fault("status", path="whoami", status=200, page=page, index=None))
    with pytest.raises(PublishError):
        find_account()
    assert hub_here.faults[0].fired == 3


@pytest.mark.parametrize("name", ["a/b/c", "ann/", "/news", "ann/-news", "ann/ne ws", "ann/a--b", "ann/" + "x" * 97])
def test_impossible_repository_name_is_refused(name: str) -> None:
    with pytest.raises(InputError) as caught:
        check_repo_id(name)
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize("name", ["main", "v1.0", "feature/long-texts", "refs/pr/1", "2026-11"])
def test_possible_branch_name_is_accepted(name: str) -> None:
    check_revision(name)


@pytest.mark.parametrize("name", ["", "-f", "../main", "a..b", "a b", "a//b", "x.lock", "a/", "v1.", "a\nb", "a?b=c"])
def test_impossible_branch_name_is_refused(name: str) -> None:
    with pytest.raises(InputError) as caught:
        check_revision(name)
    assert repr(name) in str(caught.value)
