"""Accounts and their rights: two users, two organizations, and one token of each kind."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.hub_server.messages import Refusal

if TYPE_CHECKING:
    from tests.hub_server.repositories import Repository

ACCOUNT = "owner"
STRANGER = "stranger"
TOKEN = "hf_" + "testing" * 5
READ_TOKEN = "hf_" + "reading" * 5
FINE_GRAINED_TOKEN = "hf_" + "grained" * 5
STRANGER_TOKEN = "hf_" + "foreign" * 5
WRONG_TOKEN = "hf_" + "mistake" * 5
# The only repository that the fine-grained token can write to.
FINE_GRAINED_REPO = "owner/granted"
# The role of each member.
ORGANIZATIONS = {"newsroom": {ACCOUNT: "write"}, "readers": {ACCOUNT: "read"}}


@dataclass(frozen=True)
class Caller:
    """The user who sends a request.

    Attributes:
        name: of the user; None without a token.
        role: write, read or fineGrained.
        scope: the repositories of a fine-grained token.
    """

    name: str | None = None
    role: str = ""
    scope: tuple[str, ...] = ()

    def may_read(self, repo: "Repository") -> bool:
        """Return whether the caller may see the repository."""
        if not repo.private:
            return True
        if self.role == "fineGrained" and repo.key not in self.scope:
            return False
        return self._role_in(repo.owner) is not None

    def may_write(self, repo: "Repository") -> bool:
        """Return whether the caller may change the repository."""
        if self.role == "fineGrained":
            return repo.key in self.scope
        return self.may_create_in(repo.owner)

    def may_create_in(self, namespace: str) -> bool:
        """Return whether the caller may create repositories in a namespace."""
        return self.role == "write" and self._role_in(namespace) in {"admin", "write"}

    def may_propose(self, repo: "Repository") -> bool:
        """Return whether the caller may open pull requests and discussions."""
        return self.may_write(repo) or (self.role == "write" and self.may_read(repo))

    def may_download(self, repo: "Repository") -> bool:
        """Return whether the caller may download from the repository, which may be gated."""
        return not repo.gated or self._role_in(repo.owner) is not None or self.name in repo.admitted

    def _role_in(self, namespace: str) -> str | None:
        if self.name == namespace:
            return "admin"
        return ORGANIZATIONS.get(namespace, {}).get(self.name or "")

    def require_token(self) -> None:
        """Refuse a request without a token."""
        if self.name is None:
            raise Refusal(401, "Invalid username or password.")

    def describe(self) -> dict[str, Any]:
        """Return the response to /api/whoami-v2."""
        token: dict[str, Any] = {"displayName": "tests", "role": self.role, "createdAt": "2026-01-01T00:00:00.000Z"}
        if self.role == "fineGrained":
            token["fineGrained"] = {
                "canReadGatedRepos": False,
                "global": [],
                "scoped": [
                    {
                        "entity": {"_id": f"{index:024x}", "type": "model", "name": key},
                        "permissions": ["repo.content.read", "repo.write"],
                    }
                    for index, key in enumerate(self.scope)
                ],
            }
        orgs = [
            {"type": "org", "id": f"{index:024x}", "name": name, "fullname": name, "roleInOrg": members[self.name]}
            for index, (name, members) in enumerate(ORGANIZATIONS.items())
            if self.name in members
        ]
        return {
            "type": "user",
            "id": f"{sum(map(ord, self.name or '')):024x}",
            "name": self.name,
            "fullname": (self.name or "").title(),
            "isPro": False,
            "orgs": orgs,
            "auth": {"type": "access_token", "accessToken": token},
        }


ANONYMOUS = Caller()
_CALLERS = {
    TOKEN: Caller(ACCOUNT, "write"),
    READ_TOKEN: Caller(ACCOUNT, "read"),
    FINE_GRAINED_TOKEN: Caller(ACCOUNT, "fineGrained", (FINE_GRAINED_REPO,)),
    STRANGER_TOKEN: Caller(STRANGER, "write"),
}


def find_caller(authorization: str | None) -> Caller:
    """Return the owner of the token in the header; an unknown token is refused, even for public repositories."""
    if not authorization:
        return ANONYMOUS
    caller = _CALLERS.get(authorization.removeprefix("Bearer "))
    if caller is None:
        raise Refusal(401, "Invalid credentials in Authorization header")
    return caller
