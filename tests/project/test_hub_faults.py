"""Faults of the test Hub, and how the unmodified client reacts."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import HfHubHTTPError

from tests.hub_server import TOKEN, Fault, HubServer
from tests.hub_server.client import add, connect, push

# huggingface_hub uploads with a deprecated argument of its HTTP client.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

FILES = {"a.txt": b"text", "w.safetensors": b"\0" * 200_000}
KINDS = ("status", "no answer", "cut upload", "cut download", "lost answer")


@pytest.fixture(autouse=True)
def _quick_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client does not wait before it tries again."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)


@pytest.fixture(scope="module")
def server() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server
        assert server.errors == []


@pytest.fixture
def hub(server: HubServer) -> Iterator[HubServer]:
    yield server
    server.faults.clear()
    server.failures.clear()
    for name in [*server.repos]:
        server.delete_repo(name)


def publish(hub: HubServer) -> None:
    connect(hub).create_repo("owner/tiny", exist_ok=True)
    push(hub, "owner/tiny", *(add(path, content) for path, content in FILES.items()))


def ask(hub: HubServer, method: str = "GET", path: str = "/api/whoami-v2", **options: Any) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return httpx2.request(method, hub.endpoint + path, headers=headers, timeout=20, verify=False, **options)


# The request.


@pytest.mark.parametrize(
    ("index", "expected"), [(1, [503, 200, 200]), (2, [200, 503, 200]), (None, [503, 503, 503]), (4, [200, 200, 200])]
)
def test_fault_happens_at_its_index(index: int | None, expected: list[int], hub: HubServer) -> None:
    hub.faults.append(Fault("status", "GET", "^/api/whoami", index=index, status=503))
    answers = []
    for _ in range(3):
        ask(hub, path="/api/models")
        answers.append(ask(hub).status_code)
    assert answers == expected
    assert hub.faults[0].fired == expected.count(503)


def test_first_fault_is_used_and_the_others_count(hub: HubServer) -> None:
    hub.faults += [Fault("status", status=503), Fault("status", index=2, status=429, retry_after=7)]
    answers = [ask(hub) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 429, 200]
    assert answers[1].headers["Retry-After"] == "7"


def test_failures_are_statuses_by_pattern(hub: HubServer) -> None:
    hub.failures["^/api/whoami"] = 507
    assert [ask(hub).status_code, ask(hub).status_code] == [507, 507]
    assert ask(hub, path="/api/models").status_code == 200


# The fault.


@pytest.mark.parametrize(
    ("kind", "is_created"),
    [
        ("status", False),
        ("no answer", False),
        ("reset", False),
        ("cut upload", False),
        ("lost answer", True),
        ("cut head", True),
    ],
)
def test_request_is_handled_or_not(kind: Any, is_created: bool, hub: HubServer) -> None:
    hub.faults.append(Fault(kind, "POST", "/create"))
    if kind == "status":
        assert ask(hub, "POST", "/api/repos/create", json={"name": "created"}).status_code == 500
    else:
        with pytest.raises(httpx2.TransportError):
            ask(hub, "POST", "/api/repos/create", json={"name": "created"})
    assert ("owner/created" in hub.repos) is is_created
    assert hub.requests[-1] == ("POST", "/api/repos/create")


@pytest.mark.parametrize("is_late", [False, True])
def test_page_of_a_gateway(is_late: bool, hub: HubServer) -> None:
    hub.faults.append(Fault("status", status=504, page=b"<html>", is_late=is_late))
    answer = ask(hub, "POST", "/api/repos/create", json={"name": "created"})
    assert (answer.status_code, answer.content) == (504, b"<html>")
    assert ("owner/created" in hub.repos) is is_late


def test_reset_is_no_orderly_end(hub: HubServer) -> None:
    hub.faults.append(Fault("reset"))
    with pytest.raises(httpx2.ReadError):
        ask(hub)


def test_redirect_has_no_end(hub: HubServer) -> None:
    hub.faults.append(Fault("redirect"))
    with pytest.raises(httpx2.TooManyRedirects):
        ask(hub, "POST", "/api/repos/create", json={"name": "created"}, follow_redirects=True)
    assert "owner/created" not in hub.repos


@pytest.mark.parametrize("kind", ["half", "short length"])
def test_half_of_an_answer_looks_whole(kind: Any, hub: HubServer) -> None:
    whole = ask(hub).content
    hub.faults.append(Fault(kind))
    assert ask(hub).content == whole[: len(whole) // 2]
    assert ask(hub).content == whole


@pytest.mark.parametrize("kind", ["slow", "slow download"])
def test_slow_answer_waits(kind: Any, hub: HubServer) -> None:
    hub.faults.append(Fault(kind, seconds=0.3))
    start = time.monotonic()
    assert ask(hub).status_code == 200
    assert time.monotonic() - start >= 0.3


def test_slow_answer_does_not_delay_the_end() -> None:
    start = time.monotonic()
    with HubServer() as hub:
        hub.faults.append(Fault("slow", seconds=60))
        with pytest.raises(httpx2.TransportError):
            httpx2.get(f"{hub.endpoint}/api/models", timeout=0.2)
    assert time.monotonic() - start < 5


# The client's reaction.


def test_upload_is_sent_again_after_a_cut(hub: HubServer) -> None:
    hub.faults.append(Fault("cut upload", "PUT", "^/lfs/"))
    publish(hub)
    assert [method for method, _ in hub.requests].count("PUT") >= 2
    assert hub.repos["owner/tiny"].files == FILES


def test_cut_download_is_resumed(hub: HubServer, tmp_path: Path) -> None:
    hub.create_repo("owner/tiny", files=FILES)
    hub.faults.append(Fault("cut download", "GET", "/w.safetensors$"))
    before = len(hub.requests)
    path = HfApi(hub.endpoint).hf_hub_download("owner/tiny", "w.safetensors", cache_dir=tmp_path)
    assert Path(path).read_bytes() == FILES["w.safetensors"]
    assert [method for method, _ in hub.requests[before:]] == ["HEAD", "GET", "GET"]


def test_client_waits_for_retry_after(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.create_repo("owner/tiny", files=FILES)
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    hub.faults.append(Fault("status", "GET", "/tree/", status=429, retry_after=3))
    assert HfApi(hub.endpoint).list_repo_files("owner/tiny")
    assert waited == [4.0]


@pytest.mark.parametrize("kind", KINDS)
def test_push_is_complete_or_absent_after_any_fault(kind: Any, hub: HubServer) -> None:
    before = len(hub.requests)
    publish(hub)
    for index in range(1, len(hub.requests) - before + 1):
        hub.delete_repo("owner/tiny")
        hub.faults[:] = [Fault(kind, index=index)]
        try:
            publish(hub)
        except (HfHubHTTPError, httpx2.TransportError):
            repo = hub.repos.get("owner/tiny")
            assert repo is None or repo.files in ({}, FILES)
        assert hub.faults[0].fired == 1
        publish(hub)
        assert hub.repos["owner/tiny"].commits == [("Push", [*FILES])]


def test_leaving_the_block_deletes_the_repositories() -> None:
    with HubServer() as hub:
        folder = hub.create_repo("owner/tiny", files=FILES).git.path
        client = httpx2.Client()
        assert client.get(f"{hub.endpoint}/api/models").json()[0]["id"] == "owner/tiny"
    assert not folder.exists()
    client.close()
