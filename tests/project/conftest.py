"""Fixtures of the tests of the test Hub, and of those of the wheel."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub_server import HubServer

ROOT = Path(__file__).parents[2]


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


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that `make build` makes."""
    pytest.importorskip("hatchling", reason="needs hatchling, which builds the wheel")
    folder = tmp_path_factory.mktemp("dist")
    build = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    ended = subprocess.run(
        [sys.executable, "-c", build, str(folder)], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    assert ended.returncode == 0, ended.stderr
    (path,) = folder.glob("hf_newscls-*-py3-none-any.whl")
    return path
