"""The account of the access token, and the names of repositories and branches."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined] # public, and loaded lazily

from hf_newscls.errors import InputError, PublishError
from hf_newscls.hub.retry import call_hub

_WRITERS = {"admin", "write", "contributor"}
_WRITE_PERMISSIONS = {"repo.write", "repo.content.write"}
# Stricter than git: no such name can be taken for a path or an option.
_REVISION = re.compile(r"(?!.*(\.\.|//|\.lock(/|$)))[A-Za-z0-9][\w./-]*(?<![./])")


@dataclass(frozen=True)
class Account:
    """The user of an access token, the token's role, and the owners that it may create repositories for."""

    name: str
    role: str
    namespaces: frozenset[str]

    def can_create(self, repo_id: str) -> bool:
        """Return whether the token may create owner/name; whether it may push to it once it exists, the Hub knows."""
        return repo_id.split("/")[0] in self.namespaces


def find_account() -> Account:
    """Return the account of the token in the environment or from `hf auth login`.

    Raises:
        PublishError: there is no token, the Hub does not accept it, or could not be reached.
    """
    if get_token() is None:
        raise PublishError("Hub: no access token found; run `hf auth login`, or set HF_TOKEN to one that can write")
    remedy = "check HF_TOKEN, or run `hf auth login`"
    return call_hub(lambda: _read_account(HfApi().whoami()), what="log in with the access token", remedy=remedy)


def check_repo_id(repo_id: str) -> None:
    """Raise an `InputError` if no repository can have this name."""
    try:
        validate_repo_id(repo_id)
    except HFValidationError as error:
        raise InputError(f"{repo_id!r} is not a repository name ({error}); write owner/name") from error


def check_revision(revision: str) -> None:
    """Raise an `InputError` if no branch or tag can have this name."""
    if not _REVISION.fullmatch(revision):
        raise InputError(
            f"{revision!r} is not a name for a branch or a tag; use letters, digits, `.`, `_`, `-` and `/`, as in v1.0"
        )


def _read_account(answer: Mapping[str, Any]) -> Account:
    """Read the response of `whoami`; a Hub that leaves rights out grants them."""
    if not isinstance(answer, Mapping) or "name" not in answer:
        raise ConnectionError("the response names no account; a proxy or a login page may have sent it")
    name, token = answer["name"], answer.get("auth", {}).get("accessToken", {})
    role = token.get("role", "write")
    if role == "fineGrained":
        scopes = (token.get("fineGrained") or {}).get("scoped", [])
        namespaces = [one["entity"]["name"] for one in scopes if _WRITE_PERMISSIONS & {*one.get("permissions", [])}]
    elif role == "read":
        namespaces = []
    else:
        organizations = answer.get("orgs", [])
        namespaces = [name, *(one["name"] for one in organizations if one.get("roleInOrg", "write") in _WRITERS)]
    return Account(name, role, frozenset(namespaces))
