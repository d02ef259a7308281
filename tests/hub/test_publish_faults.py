"""Any fault at any request of a publish: after one repeat the Hub has exactly one complete version."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import FinishedRun
from tests.hub_server import TOKEN, Fault, HubServer
from tests.processes import CommandLine, build_environment, read_files

pytestmark = pytest.mark.slow

FAULTS = {
    "500": Fault("status", status=500),
    "503": Fault("status", status=503),
    "429": Fault("status", status=429, retry_after=1),
    "no answer": Fault("no answer"),
    "cut upload": Fault("cut upload"),
    "cut download": Fault("cut download"),
    "slow": Fault("slow", seconds=0.3),
    "lost answer": Fault("lost answer"),
}
DESTINATIONS = {
    "new": (),
    "tag": ("--tag", "v1"),
    "branch": ("--revision", "trial"),
    "pull request": ("--pr",),
}


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture(scope="module")
def runs_dir(tiny_run: FinishedRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults") / "runs"
    shutil.copytree(tiny_run.runs_dir / "tiny", folder / "tiny", symlinks=True)
    return folder


@pytest.fixture(scope="module")
def command_line(hub: HubServer, runs_dir: Path) -> Iterator[CommandLine]:
    environment = build_environment(runs_dir.parent / "home", **hub.build_environment())
    with CommandLine(cwd=runs_dir.parent, environment=environment) as process:
        yield process


def read_version(hub: HubServer, destination: str, repo_id: str) -> tuple[dict[str, bytes], int]:
    """Return the files at the destination, and the number of our commits."""
    repo = hub.repos[repo_id]
    revision = {"branch": "trial", "pull request": "refs/pr/1"}.get(destination, "main")
    files = repo.read_files(revision)
    files.pop(".gitattributes", None)
    log = repo.git.read_log(repo.git.find_commit(revision) or "")
    return files, len([commit for commit in log if commit.title.startswith("Train")])


@pytest.mark.parametrize("destination", DESTINATIONS)
def test_fault_at_any_request_leaves_one_complete_version(
    destination: str, hub: HubServer, command_line: CommandLine, runs_dir: Path
) -> None:
    arguments = ("publish", "tiny", *DESTINATIONS[destination])
    prefix = f"owner/{destination.replace(' ', '-')}"

    def push(repo_id: str) -> tuple[int, str]:
        if destination == "pull request" and repo_id not in hub.repos:
            hub.create_repo(repo_id, files={"README.md": b"---\nlicense: mit\n---\n"}, private=True)
        result = command_line.run(*arguments, "--repo-id", repo_id)
        assert TOKEN not in result.out + result.err
        assert "Traceback" not in result.err
        return result.code, result.err

    before = read_files(runs_dir)
    # The first push of a process has additional requests.
    assert push(f"{prefix}-first")[0] == 0
    start = len(hub.requests)
    assert push(prefix)[0] == 0
    expected, commits = read_version(hub, destination, prefix)
    assert commits == 1
    requests = len(hub.requests) - start
    for name in FAULTS:
        for index in range(1, requests + 1):
            repo_id = f"{prefix}-{name.replace(' ', '-')}-{index}"
            injected = replace(FAULTS[name], index=index)
            hub.faults.append(injected)
            code, message = push(repo_id)
            hub.faults.clear()
            assert injected.fired, (name, index)
            if code != 0:
                assert message.count("error:") == 1, message
                assert push(repo_id)[0] == 0
            found, commits = read_version(hub, destination, repo_id)
            assert commits == 1, repo_id
            assert {path: found[path] for path in expected if path != "README.md"} == {
                path: content for path, content in expected.items() if path != "README.md"
            }, repo_id
            assert found["README.md"].decode() == expected["README.md"].decode().replace(prefix, repo_id), repo_id
            assert len(hub.repos[repo_id].discussions) == (destination == "pull request"), repo_id
            if destination == "tag":
                assert hub.repos[repo_id].git.find_commit("v1") == hub.repos[repo_id].head, repo_id
    assert read_files(runs_dir) == before
