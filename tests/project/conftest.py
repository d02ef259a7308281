"""Fixtures of the tests of the test Hub."""

import re
from collections.abc import Iterator

import pytest

from tests.hub_server import HubServer


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    """A Hub for the tests of a module; each test has its own repositories."""
    from huggingface_hub import constants

    with pytest.MonkeyPatch.context() as patch, HubServer() as server:
        patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        patch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield server
        assert server.errors == []


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name for a repository that no other test uses."""
    return "owner/" + re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:80].strip("-")
