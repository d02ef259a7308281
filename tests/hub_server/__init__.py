"""A small Hub on 127.0.0.1 over real git repositories. An unmodified huggingface_hub works with it."""

from tests.hub_server.accounts import (
    ACCOUNT,
    FINE_GRAINED_REPO,
    FINE_GRAINED_TOKEN,
    ORGANIZATIONS,
    READ_TOKEN,
    STRANGER,
    STRANGER_TOKEN,
    TOKEN,
    WRONG_TOKEN,
)
from tests.hub_server.faults import Fault
from tests.hub_server.repositories import Repository
from tests.hub_server.server import HubServer

__all__ = [
    "ACCOUNT",
    "FINE_GRAINED_REPO",
    "FINE_GRAINED_TOKEN",
    "ORGANIZATIONS",
    "READ_TOKEN",
    "STRANGER",
    "STRANGER_TOKEN",
    "TOKEN",
    "WRONG_TOKEN",
    "Fault",
    "HubServer",
    "Repository",
]
