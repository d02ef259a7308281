"""Files go in one commit on top of what was read, over HTTP with the unmodified client; no model is in play."""

from collections.abc import Mapping

import pytest
from huggingface_hub import HfApi

from hf_newscls.errors import PublishError
from hf_newscls.hub.commit import Content, Head, Pushed, PushOptions, push_files
from hf_newscls.hub.preflight import Target
from tests.hub_server import Fault, HubServer

# huggingface_hub uploads by a way of its HTTP client that is on its way out.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

REPO = "owner/pushed"
TARGET = Target(REPO, "model", exists=True, is_private=True)
CARD = b"---\nlicense: mit\n---\n"
REQUEST = PushOptions("Train tiny", as_pull_request=True)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hf_newscls.hub.retry.time.sleep", lambda _: None)


def push(text: str, options: PushOptions) -> Pushed:
    """Push a file, and a card that keeps what stood in the card that was read."""

    def build(head: Head) -> Mapping[str, Content]:
        return {"text.txt": text.encode(), "README.md": head.card.encode() or CARD}

    return push_files(build, TARGET, options)


def test_tag_that_is_taken_stops_the_commit(hub_here: HubServer) -> None:
    repo = hub_here.create_repo(REPO, private=True)
    push("one", PushOptions("Train", tag="v1"))
    with pytest.raises(PublishError, match=rf"the tag 'v1' must be new, .* found it at {repo.head}; choose another"):
        push("two", PushOptions("Train", tag="v1"))
    assert repo.files["text.txt"] == b"one"
    assert repo.git.find_commit("v1") == repo.head


def test_tag_of_another_commit_is_refused_where_nothing_changed(hub_here: HubServer) -> None:
    repo = hub_here.create_repo(REPO, private=True)
    first = push("one", PushOptions("Train", tag="v1")).commit
    push("two", PushOptions("Train"))
    with pytest.raises(PublishError, match=rf"'v1' must be new or name commit {repo.head}, found it at {first};"):
        push("two", PushOptions("Train", tag="v1"))


def test_what_is_written_into_the_card_of_a_request_stays(hub_here: HubServer) -> None:
    repo = hub_here.create_repo(REPO, files={"README.md": CARD}, private=True)
    push("one", REQUEST)
    HfApi().upload_file(path_or_fileobj=CARD + b"Noted.", path_in_repo="README.md", repo_id=REPO, revision="refs/pr/1")
    push("two", REQUEST)
    assert repo.read_files("refs/pr/1")["README.md"] == CARD + b"Noted."
    assert repo.read_files("refs/pr/1")["text.txt"] == b"two"
    assert repo.files["README.md"] == CARD


@pytest.mark.parametrize("kind", ["status", "lost answer"])
@pytest.mark.parametrize("path", ["/commit/", "/discussions/1/status"])
def test_request_is_open_whatever_went_wrong_on_the_way(kind: str, path: str, hub_here: HubServer) -> None:
    repo = hub_here.create_repo(REPO, files={"README.md": CARD}, private=True)
    hub_here.faults.append(Fault(kind, method="POST", path=path))  # type: ignore[arg-type] # one of its kinds
    push("one", REQUEST)
    assert [(one.num, one.status) for one in repo.discussions] == [(1, "open")]
    assert repo.read_files("refs/pr/1")["text.txt"] == b"one"
