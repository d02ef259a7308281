"""Files are pushed in one commit on top of the newest one, over HTTP with the unmodified client; no model is used."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from huggingface_hub import HfApi

from hf_newscls.errors import DataError, PublishError
from hf_newscls.hub.commit import Content, Head, Pushed, PushOptions, find_head, push_files
from hf_newscls.hub.preflight import Target
from tests.hub_server import Fault, HubServer

# huggingface_hub uploads with a deprecated argument of its HTTP client.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

REPO = "owner/pushed"
TARGET = Target(REPO, "model", exists=True, is_private=True)
CARD = b"---\nlicense: mit\n---\n"
REQUEST = PushOptions("Train tiny", create_pr=True)


@pytest.fixture(autouse=True)
def _no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hf_newscls.hub.retry.time.sleep", lambda _: None)


def push(text: str, options: PushOptions) -> Pushed:
    """Push a file, and a card that keeps the text of the card on the Hub."""

    def build(head: Head) -> Mapping[str, Content]:
        return {"text.txt": text.encode(), "README.md": head.card.encode() or CARD}

    return push_files(build, TARGET, options)


@pytest.mark.parametrize("error", [DataError("news.csv: no row"), ValueError("a bug"), OSError("no such file")])
def test_error_in_the_build_is_not_the_hubs(error: Exception, hub_here: HubServer) -> None:
    hub_here.create_repo(REPO, private=True)

    def build(head: Head) -> Mapping[str, Content]:
        raise error

    with pytest.raises(type(error)) as caught:
        push_files(build, TARGET, PushOptions("Train"))
    assert caught.value is error
    assert hub_here.repos[REPO].commits == []


def test_unchanged_files_make_no_commit(hub_here: HubServer) -> None:
    repo = hub_here.create_repo(REPO, private=True)
    files: Mapping[str, Content] = {"text.txt": b"one", "w.safetensors": b"\0" * 100, "README.md": CARD}
    first = push_files(lambda _: files, TARGET, PushOptions("Train"))
    before = len(hub_here.requests)
    second = push_files(lambda _: files, TARGET, PushOptions("Train"))
    assert (first.commit, first.url, first.is_new) == (second.commit, second.url, True)
    assert not second.is_new
    assert len(repo.commits) == 1
    assert {method for method, _ in hub_here.requests[before:]} <= {"GET", "HEAD"}


def test_conflict_reads_and_builds_again(hub_here: HubServer) -> None:
    repo = hub_here.create_repo(REPO, files={"text.txt": b"zero"}, private=True)
    heads: list[str] = []

    def build(head: Head) -> Mapping[str, Content]:
        heads.append(head.commit)
        if len(heads) == 1:
            repo.write({"notes.md": b"by someone else"}, "Note")
        return {"text.txt": b"one"}

    assert push_files(build, TARGET, PushOptions("Train")).commit == repo.head
    assert len({*heads}) == 2
    assert [title for title, _ in repo.commits] == ["Add files", "Note", "Train"]
    assert repo.files == {"text.txt": b"one", "notes.md": b"by someone else"}


def test_commit_with_a_lost_answer_is_not_repeated(hub_here: HubServer) -> None:
    repo = hub_here.create_repo(REPO, private=True)
    hub_here.faults.append(Fault("lost answer", method="POST", path="/commit/"))
    assert push("one", PushOptions("Train")).commit == repo.head
    assert hub_here.faults[0].fired == 1
    assert [title for title, _ in repo.commits] == ["Train"]


def test_taken_tag_stops_the_commit(hub_here: HubServer) -> None:
    repo = hub_here.create_repo(REPO, private=True)
    push("one", PushOptions("Train", tag="v1"))
    with pytest.raises(PublishError, match=rf"'v1'.*{repo.head}"):
        push("two", PushOptions("Train", tag="v1"))
    assert repo.files["text.txt"] == b"one"
    assert repo.git.find_commit("v1") == repo.head


def test_tag_of_another_commit_is_refused_for_unchanged_files(hub_here: HubServer) -> None:
    repo = hub_here.create_repo(REPO, private=True)
    first = push("one", PushOptions("Train", tag="v1")).commit
    push("two", PushOptions("Train"))
    with pytest.raises(PublishError, match=rf"'v1'.*{first}"):
        push("two", PushOptions("Train", tag="v1"))
    assert repo.git.find_commit("v1") == first


def test_tag_of_the_same_commit_stays(hub_here: HubServer) -> None:
    repo = hub_here.create_repo(REPO, private=True)
    push("one", PushOptions("Train", tag="v1"))
    assert not push("one", PushOptions("Train", tag="v1")).is_new
    assert repo.git.find_commit("v1") == repo.head


def test_tag_that_fails_says_that_the_files_are_there(hub_here: HubServer) -> None:
    repo = hub_here.create_repo(REPO, private=True)
    hub_here.faults.append(Fault("status", method="POST", path="/tag/", status=403, index=None))
    with pytest.raises(PublishError, match=r"pushed to .*'v1'.*403") as caught:
        push("one", PushOptions("Train", tag="v1"))
    assert repo.files["text.txt"] == b"one"
    assert str(repo.head) in str(caught.value)
    hub_here.faults.clear()
    assert not push("one", PushOptions("Train", tag="v1")).is_new
    assert repo.git.find_commit("v1") == repo.head


@pytest.mark.parametrize(("status", "page"), [(503, None), (409, None), (200, b"<html>log in")])
def test_tag_is_tried_again(status: int, page: bytes | None, hub_here: HubServer) -> None:
    repo = hub_here.create_repo(REPO, private=True)
    hub_here.faults.append(Fault("status", method="POST", path="/tag/", status=status, page=page))
    push("one", PushOptions("Train", tag="v1"))
    assert repo.git.find_commit("v1") == repo.head


def test_tag_that_never_arrives_says_that_the_files_are_there(
    hub_here: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hf_newscls.hub.retry.time.sleep", lambda _: None)
    repo = hub_here.create_repo(REPO, private=True)
    hub_here.faults.append(Fault("status", method="POST", path="/tag/", status=200, page=b"<html>log in", index=None))
    with pytest.raises(PublishError) as caught:
        push("one", PushOptions("Train", tag="v1"))
    assert repo.files["text.txt"] == b"one"
    assert str(repo.head) in str(caught.value)


def test_head_of_what_does_not_exist_is_none(hub_here: HubServer) -> None:
    assert find_head(replace(TARGET, exists=False), "main") is None
    hub_here.create_repo(REPO, files={"README.md": CARD}, private=True)
    assert find_head(TARGET, "trial") is None
    head = find_head(TARGET, "main")
    assert head is not None
    assert head.card == CARD.decode()


def test_notes_in_the_card_of_a_pull_request_stay(hub_here: HubServer) -> None:
    repo = hub_here.create_repo(REPO, files={"README.md": CARD}, private=True)
    push("one", REQUEST)
    HfApi().upload_file(path_or_fileobj=CARD + b"Noted.", path_in_repo="README.md", repo_id=REPO, revision="refs/pr/1")
    push("two", REQUEST)
    assert repo.read_files("refs/pr/1")["README.md"] == CARD + b"Noted."
    assert repo.read_files("refs/pr/1")["text.txt"] == b"two"
    assert repo.files["README.md"] == CARD


@pytest.mark.parametrize("kind", ["status", "lost answer"])
@pytest.mark.parametrize("path", ["/commit/", "/discussions/1/status"])
def test_pull_request_is_open_after_a_fault(kind: str, path: str, hub_here: HubServer) -> None:
    repo = hub_here.create_repo(REPO, files={"README.md": CARD}, private=True)
    hub_here.faults.append(Fault(kind, method="POST", path=path))  # type: ignore[arg-type] # one of its kinds
    push("one", REQUEST)
    assert [(one.num, one.status) for one in repo.discussions] == [(1, "open")]
    assert repo.read_files("refs/pr/1")["text.txt"] == b"one"
