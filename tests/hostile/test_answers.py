"""Whatever a server answers to a request: an answer or one of our errors, and the next command works."""

import json
import random
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.conftest import FinishedRun
from tests.hub_server import TOKEN, Fault, HubServer
from tests.processes import CommandLine, Result, build_environment

pytestmark = pytest.mark.hostile

_TRIES = 3  # of the requests of a command


def answer(content: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + content


JSON, HTML = "Content-Type: application/json", "Content-Type: text/html"
# Next to those of hub/test_publish_faults.py: what a Hub would not say, but a proxy, a login page or an attacker.
ANSWERS = {
    "login page": answer(b"<html>Log in</html>", HTML),
    "nothing": answer(b""),
    "half of JSON": answer(b'{"id": [1,', JSON),
    "list": answer(b"[]", JSON),
    "list of numbers": answer(b"[1, 2]", JSON),
    "null": answer(b"null", JSON),
    "number": answer(b"5", JSON),
    "object": answer(b'{"id": 5, "siblings": 5, "sha": 5, "name": 5, "url": 5, "commitOid": 5}', JSON),
    "nested": answer(b"[" * 100_000, JSON),
    "huge number": answer(b'{"id": ' + b"9" * 100_000 + b"}", JSON),
    "not UTF-8": answer(b"\xff\xfe\0", JSON),
    "not gzip": answer(b"plain", "Content-Encoding: gzip"),
    "no HTTP": b"\0\1\2 this is not HTTP\r\n\r\n",
    "less than its length": answer(b"x" * 100).replace(b": 100", b": 1000000"),
    "length below zero": answer(b"x").replace(b": 1\r", b": -5\r"),
    "header of a megabyte": answer(b"{}", JSON, "X-Long: " + "a" * 1_000_000),
    "circle": answer(b"", "Location: /", status="302 Found"),
    "closed port": answer(b"", "Location: http://127.0.0.1:9/", status="302 Found"),
    "not found": answer(b"Not Found", status="404 Not Found"),
    "unknown status": answer(b"", status="999 Unheard of"),
}
COMMANDS = {
    "publish": ("publish", "tiny", "--repo-id"),
    "predict": ("predict", "--input", "news.jsonl", "--output", "answers.csv", "--overwrite"),
    "compare": ("compare", "tiny", "--model"),
    "compare external": ("compare", "tiny", "--external-model"),
}


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture(scope="module")
def folder(tiny_run: FinishedRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("answers")
    shutil.copytree(tiny_run.runs_dir / "tiny", folder / "runs" / "tiny", symlinks=True)
    (folder / "news.jsonl").write_text(json.dumps({"title": "bank shares", "body": "rise"}) + "\n")
    return folder


@pytest.fixture(scope="module")
def command_line(hub: HubServer, folder: Path) -> Iterator[CommandLine]:
    environment = build_environment(folder / "home", **hub.build_environment())
    with CommandLine(cwd=folder, environment=environment) as process:
        assert process.run("publish", "tiny", "--repo-id", "owner/whole").code == 0
        yield process


def run(command: str, repo_id: str, command_line: CommandLine, folder: Path) -> Result:
    """Run a command about a repository, without what an earlier one has fetched."""
    shutil.rmtree(folder / "home" / "hf", ignore_errors=True)
    first, *rest = COMMANDS[command]
    arguments: Sequence[str] = (first, repo_id, *rest) if first == "predict" else (first, *rest, repo_id)
    result = command_line.run(*arguments)
    assert result.code in {0, 1, 2}, result.err
    assert "Traceback" not in result.err, result.err
    assert TOKEN not in result.out + result.err
    return result


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("command", COMMANDS)
def test_wrong_answer_to_a_request(
    command: str, name: str, hub: HubServer, command_line: CommandLine, folder: Path
) -> None:
    def name_repo(index: int) -> str:
        return f"owner/{name.replace(' ', '-').lower()}-{index}" if command == "publish" else "owner/whole"

    start = len(hub.requests)
    assert run(command, name_repo(0), command_line, folder).code == 0
    requests = range(1, len(hub.requests) - start + 1)
    for index in random.Random(f"{command}, {name}").sample(requests, k=min(_TRIES, len(requests))):
        fault = Fault("raw", content=ANSWERS[name], index=index)
        hub.faults.append(fault)
        run(command, name_repo(index), command_line, folder)
        hub.faults.clear()
        assert fault.fired
        assert run(command, name_repo(index), command_line, folder).code == 0
    assert hub.errors == []
