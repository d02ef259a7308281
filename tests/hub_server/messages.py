"""Requests, responses and refusals, as the routes see them."""

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from tests.hub_server.accounts import Caller
    from tests.hub_server.hub import Hub


class Refusal(Exception):
    """An error response, with the error code that the client reads."""

    def __init__(self, status: int, message: str, code: str = "", **headers: str) -> None:
        super().__init__(message)
        self.status, self.code, self.headers = status, code, headers


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        query: all values of each parameter.
        headers: by their names in lower case.
        groups: the named parts of the path, unquoted.
    """

    hub: "Hub"
    caller: "Caller"
    method: str
    path: str
    query: dict[str, list[str]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    groups: dict[str, str] = field(default_factory=dict)

    def read_json(self) -> dict[str, Any]:
        """Return the body, which must be a JSON object."""
        try:
            content = json.loads(self.body or b"{}")
        except ValueError as error:
            raise Refusal(400, f"The body must be JSON: {error}") from error
        if not isinstance(content, dict):
            raise Refusal(400, "The body must be a JSON object")
        return content

    def read_form(self) -> dict[str, list[str]]:
        """Return the fields of a form."""
        return parse_qs(self.body.decode())

    def has(self, name: str) -> bool:
        """Return whether a parameter is true."""
        return self.find(name).lower() in {"true", "1"}

    def find(self, name: str, default: str = "") -> str:
        """Return the last value of a parameter."""
        return self.query.get(name, [default])[-1]


@dataclass(frozen=True)
class Response:
    """One response; the server adds Content-Length."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, content: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> "Response":
        """Write a value as JSON."""
        kind = {"Content-Type": "application/json; charset=utf-8"}
        return cls(json.dumps(content).encode(), status, kind | (headers or {}))

    @classmethod
    def from_refusal(cls, refusal: Refusal) -> "Response":
        """Build an error response; the client reads its headers, people read its body."""
        message = str(refusal)
        # A header is one line of Latin-1.
        headers = {"X-Error-Message": " ".join(message.split()).encode("latin-1", "replace").decode("latin-1")}
        if refusal.code:
            headers["X-Error-Code"] = refusal.code
        return cls.from_json({"error": message}, status=refusal.status, headers=headers | refusal.headers)
