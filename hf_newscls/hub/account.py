"""Whose token it is, and where it may write."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from huggingface_hub.utils._validators import validate_repo_id

from hf_newscls.errors import InputError, PublishError
from hf_newscls.hub.retry import call_hub, refuse

__all__ = ["Account", "check_repo_id", "check_revision", "find_account", "name_repo", "require_account"]

_UNKNOWN_TOKEN = {401, 403}
_WRITERS = {"admin", "write", "contributor"}
_WRITE_PERMISSIONS = {"repo.write", "repo.content.write"}
# A subset of what git takes for a reference, so that nothing in it can be taken for a path or an option.
_REVISION = re.compile(r"(?!.*(\.\.|//|\.lock(/|$)))[A-Za-z0-9][\w./-]*(?<![./])")


@dataclass(frozen=True)
class Account:
    """The owner of a token.

    Attributes:
        name: of the user.
        role: of the token: `write`, `read` or `fineGrained`.
        organizations: the user's part in each, by the organization's name.
        grants: names that a fine-grained token may write: accounts, organizations or single repositories.
    """

    name: str
    role: str
    organizations: Mapping[str, str]
    grants: frozenset[str]

    def can_write(self, repo_id: str) -> bool:
        """Return whether token and user may push to owner/name, so far as the token says."""
        owner = repo_id.split("/")[0]
        if self.role == "fineGrained":
            return bool({owner, repo_id} & self.grants)
        return self.role != "read" and (owner == self.name or self.organizations.get(owner) in _WRITERS)

    def can_create(self, repo_id: str) -> bool:
        """Return whether the repository may be created: what a grant names alone must be there already."""
        return self.can_write(repo_id) and (self.role != "fineGrained" or repo_id.split("/")[0] in self.grants)


def find_account() -> Account | None:
    """Return the account of the token at hand, from the environment or the login; None without a token.

    Raises:
        PublishError: the Hub does not accept the token, or could not be reached.
    """
    if get_token() is None:
        return None
    return _read_account(call_hub(_ask_who, what="say whose token it is"))


def require_account() -> Account:
    """Return the account of the token at hand.

    Raises:
        PublishError: there is no token, or the Hub does not accept it.
    """
    account = find_account()
    if account is None:
        raise PublishError("Hub: a token with write access is needed, found none; run `hf auth login` or set HF_TOKEN")
    return account


def check_repo_id(repo_id: str) -> None:
    """Refuse what cannot be the name of a repository.

    Raises:
        InputError: what is wrong with it.
    """
    try:
        validate_repo_id(repo_id)
    except HFValidationError as error:
        raise InputError(f"repository: must be named owner/name, got {repo_id!r} ({error}); name another") from error


def check_revision(revision: str) -> None:
    """Refuse what cannot be the name of a branch or a tag.

    Raises:
        InputError: it is none.
    """
    if not _REVISION.fullmatch(revision):
        raise InputError(
            f"branch or tag: must be a name of letters, digits, `.`, `_`, `-` and `/`, got {revision!r}; name another"
        )


def name_repo(repo_id: str | None, account: Account, *, default_name: str) -> str:
    """Return owner/name of the repository to push to; what is missing comes from the account and the recipe.

    Raises:
        InputError: it cannot be the name of one.
    """
    name = repo_id or default_name
    full = name if "/" in name else f"{account.name}/{name}"
    check_repo_id(full)
    return full


def _ask_who() -> Mapping[str, Any]:
    try:
        return HfApi().whoami()
    except HfHubHTTPError as error:
        if error.response.status_code not in _UNKNOWN_TOKEN:
            raise
        remedy = "run `hf auth login`, or set HF_TOKEN to a token with write access"
        raise refuse("accept the token", error, remedy=remedy) from error


def _read_account(answer: Mapping[str, Any]) -> Account:
    """Read what `whoami` says; what it leaves out counts as allowed, for the Hub decides in the end."""
    try:
        token = answer.get("auth", {}).get("accessToken", {})
        scopes = (token.get("fineGrained") or {}).get("scoped", [])
        return Account(
            name=answer["name"],
            role=token.get("role", "write"),
            organizations={one["name"]: one.get("roleInOrg", "write") for one in answer.get("orgs", [])},
            grants=frozenset(
                scope["entity"]["name"] for scope in scopes if _WRITE_PERMISSIONS & {*scope.get("permissions", [])}
            ),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise PublishError(f"Hub: it must say whose token it is, got an answer without {error}; try later") from error
