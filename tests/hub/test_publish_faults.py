"""Any fault at any request of a publish: after one repeat the Hub has exactly one complete version.

The requests to a new repository are all broken in every way. Of those to the other destinations each way breaks some,
drawn with a fixed seed. All of them take an hour or more::

    HF_NEWSCLS_FAULTS=all make test-slow ARGS="tests/hub/test_publish_faults.py"
"""

import os
import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from hf_newscls.errors import PublishError
from tests.conftest import FinishedRun
from tests.hub_server import TOKEN, Fault, HubServer
from tests.processes import CommandLine, build_environment, read_files

pytestmark = pytest.mark.slow

ALL = os.environ.get("HF_NEWSCLS_FAULTS") == "all"
SAMPLED = 2  # requests of a destination, for each way
LOGIN = b"<!DOCTYPE html><html><title>Guest network</title><p>Log in to go on.</p></html>"
GATEWAY = b"<html><head><title>Bad Gateway</title></head><body><hr><center>nginx</center></body></html>"
FAULTS = {
    "403": Fault("status", status=403),
    "404": Fault("status", status=404),
    "408": Fault("status", status=408),
    "409": Fault("status", status=409),
    "412": Fault("status", status=412),
    "429": Fault("status", status=429, retry_after=1),
    "500": Fault("status", status=500),
    "503": Fault("status", status=503),
    "502 of a gateway": Fault("status", status=502, page=GATEWAY),
    "late 504 of a gateway": Fault("status", status=504, page=GATEWAY, is_late=True),
    "login page": Fault("status", status=200, page=LOGIN),
    "empty page": Fault("status", status=200, page=b""),
    "other JSON": Fault("status", status=200, page=b'{"message": "no upstream"}'),
    "redirect": Fault("redirect"),
    "no answer": Fault("no answer"),
    "reset": Fault("reset"),
    "cut upload": Fault("cut upload"),
    "lost answer": Fault("lost answer"),
    "cut head": Fault("cut head"),
    "cut download": Fault("cut download"),
    "half": Fault("half"),
    "short length": Fault("short length"),
    "slow": Fault("slow", seconds=0.3),
    "slow download": Fault("slow download", seconds=0.3),
}
DESTINATIONS = {
    "new": (),
    "tag": ("--tag", "v1"),
    "branch": ("--revision", "trial"),
    "pull request": ("--pr",),
}


@dataclass(frozen=True)
class Whole:
    """A push that nothing disturbed: its repository, the files there, and the number of its requests."""

    repo_id: str
    files: dict[str, bytes]
    requests: int


@dataclass(frozen=True)
class Publisher:
    """Publishes a run to a Hub."""

    hub: HubServer
    command_line: CommandLine

    def push(self, destination: str, repo_id: str) -> tuple[int, str]:
        """Return the exit code, and what the command printed on stderr."""
        if destination == "pull request" and repo_id not in self.hub.repos:
            self.hub.create_repo(repo_id, files={"README.md": b"---\nlicense: mit\n---\n"}, private=True)
        result = self.command_line.run("publish", "tiny", *DESTINATIONS[destination], "--repo-id", repo_id)
        assert TOKEN not in result.out + result.err
        assert "Traceback" not in result.err
        return result.code, result.err

    def read_version(self, destination: str, repo_id: str) -> dict[str, bytes]:
        """Return the files at the destination, after a check that one commit of ours brought them, and no other."""
        repo = self.hub.repos[repo_id]
        revision = {"branch": "trial", "pull request": "refs/pr/1"}.get(destination, "main")
        log = repo.git.read_log(repo.git.find_commit(revision) or "")
        assert len([commit for commit in log if commit.title.startswith("Train")]) == 1, repo_id
        assert len(repo.discussions) == (destination == "pull request"), repo_id
        if destination == "tag":
            assert repo.git.find_commit("v1") == repo.head, repo_id
        files = repo.read_files(revision)
        files.pop(".gitattributes", None)
        return {path: content.replace(repo_id.encode(), b"REPO") for path, content in files.items()}


@pytest.fixture(scope="module")
def runs_dir(tiny_run: FinishedRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults") / "runs"
    shutil.copytree(tiny_run.runs_dir / "tiny", folder / "tiny", symlinks=True)
    return folder


@pytest.fixture(scope="module")
def publisher(runs_dir: Path) -> Iterator[Publisher]:
    with HubServer() as hub:
        environment = build_environment(runs_dir.parent / "home", **hub.build_environment())
        with CommandLine(cwd=runs_dir.parent, environment=environment, sleep_factor=0.02) as process:
            publisher = Publisher(hub, process)
            # The first push of a process has additional requests.
            assert publisher.push("new", "owner/first")[0] == 0
            yield publisher


@pytest.fixture(scope="module")
def whole(publisher: Publisher) -> dict[str, Whole]:
    """The undisturbed push to each destination."""
    found = {}
    for destination in DESTINATIONS:
        repo_id, start = f"owner/{destination.replace(' ', '-')}", len(publisher.hub.requests)
        assert publisher.push(destination, repo_id)[0] == 0
        requests = len(publisher.hub.requests) - start
        found[destination] = Whole(repo_id, publisher.read_version(destination, repo_id), requests)
    return found


def choose_requests(destination: str, way: str, requests: int) -> Sequence[int]:
    """Return the requests to break, counted from 1."""
    numbers = range(1, requests + 1)
    if ALL or destination == "new":
        return numbers
    return random.Random(f"{destination}, {way}").sample(numbers, k=SAMPLED)


@pytest.mark.parametrize("way", FAULTS)
@pytest.mark.parametrize("destination", DESTINATIONS)
def test_fault_at_any_request_leaves_one_complete_version(
    destination: str, way: str, publisher: Publisher, whole: dict[str, Whole], runs_dir: Path
) -> None:
    before, expected = read_files(runs_dir), whole[destination]
    for index in choose_requests(destination, way, expected.requests):
        repo_id = f"{expected.repo_id}-{way.replace(' ', '-')}-{index}"
        fault = replace(FAULTS[way], index=index)
        publisher.hub.faults[:] = [fault]
        code, message = publisher.push(destination, repo_id)
        publisher.hub.faults.clear()
        assert fault.fired, repo_id
        if code != 0:
            assert code == PublishError.exit_code, message
            assert message.count("error:") == 1, message
            assert publisher.push(destination, repo_id)[0] == 0
        assert publisher.read_version(destination, repo_id) == expected.files, repo_id
    assert read_files(runs_dir) == before
