"""Who asks, and what they may do: two users, two organisations, and a token of each kind that the Hub gives out."""

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
# The one repository that the fine-grained token may write.
FINE_GRAINED_REPO = "owner/granted"
# What each member may do there.
ORGANIZATIONS = {"newsroom": {ACCOUNT: "write"}, "readers": {ACCOUNT: "read"}}


@dataclass(frozen=True)
class Caller:
    """The holder of a token, or nobody.

    Attributes:
        name: of the user; None without a token.
        role: write, read or fineGrained.
        scope: the repositories that a fine-grained token is for.
    """

    name: str | None = None
    role: str = ""
    scope: tuple[str, ...] = ()

    def may_read(self, repo: "Repository") -> bool:
        """Return whether the repository is there for the caller."""
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
        """Return whether the caller may make repositories under a name."""
        return self.role == "write" and self._role_in(namespace) in {"admin", "write"}

    def may_propose(self, repo: "Repository") -> bool:
        """Return whether the caller may open pull requests and discussions."""
        return self.may_write(repo) or (self.role == "write" and self.may_read(repo))

    def may_download(self, repo: "Repository") -> bool:
        """Return whether the terms of a gated repository let the caller in."""
        return not repo.gated or self._role_in(repo.owner) is not None or self.name in repo.admitted

    def _role_in(self, namespace: str) -> str | None:
        if self.name == namespace:
            return "admin"
        return ORGANIZATIONS.get(namespace, {}).get(self.name or "")

    def require_token(self) -> None:
        """Refuse whoever sent no token."""
        if self.name is None:
            raise Refusal(401, "Invalid username or password.")

    def describe(self) -> dict[str, Any]:
        """Return what /api/whoami-v2 answers."""
        token: dict[str, Any] = {"displayName": "tests", "role": self.role, "createdAt": "2026-01-01T00:00:00.000Z"}
        if self.role == "fineGrained":
            token["fineGrained"] = {
                "canReadGatedRepos": False,
                "global": [],
                "scoped": [
                    {
                        "entity": {"_id": f"{place:024x}", "type": "model", "name": key},
                        "permissions": ["repo.content.read", "repo.write"],
                    }
                    for place, key in enumerate(self.scope)
                ],
            }
        orgs = [
            {"type": "org", "id": f"{place:024x}", "name": name, "fullname": name, "roleInOrg": members[self.name]}
            for place, (name, members) in enumerate(ORGANIZATIONS.items())
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


NOBODY = Caller()
_CALLERS = {
    TOKEN: Caller(ACCOUNT, "write"),
    READ_TOKEN: Caller(ACCOUNT, "read"),
    FINE_GRAINED_TOKEN: Caller(ACCOUNT, "fineGrained", (FINE_GRAINED_REPO,)),
    STRANGER_TOKEN: Caller(STRANGER, "write"),
}


def find_caller(authorization: str | None) -> Caller:
    """Return whose token the header holds; a token of nobody is refused, as the Hub does even for public pages."""
    if not authorization:
        return NOBODY
    caller = _CALLERS.get(authorization.removeprefix("Bearer "))
    if caller is None:
        raise Refusal(401, "Invalid credentials in Authorization header")
    return caller
