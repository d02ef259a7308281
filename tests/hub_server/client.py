"""Shortcuts for tests that use the unmodified client with the server."""

from typing import Any

from huggingface_hub import CommitOperationAdd, HfApi

from tests.hub_server.accounts import TOKEN
from tests.hub_server.server import HubServer


def connect(hub: HubServer, token: str | bool = TOKEN) -> HfApi:
    """Return a client of the server; False sends no token."""
    return HfApi(endpoint=hub.endpoint, token=token)


def add(path: str, content: bytes = b"text") -> CommitOperationAdd:
    """Return the operation that adds a file."""
    return CommitOperationAdd(path, content)


def push(hub: HubServer, name: str, *operations: Any, token: str = TOKEN, **options: Any) -> Any:
    """Send operations as one commit with the message "Push"."""
    return connect(hub, token).create_commit(name, [*operations], commit_message="Push", **options)
