"""Branches, tags, pull requests and downloads on the test Hub, through the unmodified client over HTTP."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
from huggingface_hub import CommitOperationDelete, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    RevisionNotFoundError,
)

from tests.hub_server import READ_TOKEN, STRANGER_TOKEN, HubServer
from tests.hub_server.client import add, connect, push

# huggingface_hub uploads with a deprecated argument of its HTTP client.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


# Branches, tags and pull requests.


def test_branch_has_its_own_commits(hub: HubServer, name: str) -> None:
    repo, api = hub.create_repo(name, files={"a.txt": b"a"}), connect(hub)
    api.create_branch(name, branch="next/try")
    api.create_branch(name, branch="next/try", exist_ok=True)
    with pytest.raises(HfHubHTTPError, match="Reference already exists"):
        api.create_branch(name, branch="next/try")
    push(hub, name, add("b.txt"), revision="next/try")
    assert [*repo.files] == ["a.txt"]
    assert sorted(repo.read_files("next/try")) == [".gitattributes", "a.txt", "b.txt"]
    api.delete_branch(name, branch="next/try")
    assert [branch.name for branch in api.list_repo_refs(name).branches] == ["main"]


def test_tag_does_not_move(hub: HubServer, name: str, tmp_path: Path) -> None:
    repo, api = hub.create_repo(name, files={"a.txt": b"old"}), connect(hub)
    old = repo.head
    api.create_tag(name, tag="v1")
    with pytest.raises(HfHubHTTPError, match="Reference already exists"):
        api.create_tag(name, tag="v1")
    push(hub, name, add("a.txt", b"new"))
    for revision, expected in {"v1": b"old", old: b"old", "main": b"new"}.items():
        path = api.hf_hub_download(name, "a.txt", revision=revision, cache_dir=tmp_path)
        assert Path(path).read_bytes() == expected
    assert [tag.target_commit for tag in api.list_repo_refs(name).tags] == [old]
    api.delete_tag(name, tag="v1")
    with pytest.raises(RevisionNotFoundError):
        api.model_info(name, revision="v1")


def test_pull_request_does_not_change_main(hub: HubServer, name: str) -> None:
    repo = hub.create_repo(name, files={"a.txt": b"a"})
    opened = push(hub, name, add("b.txt"), add("w.bin", b"\0w"), token=STRANGER_TOKEN, create_pr=True)
    assert (opened.pr_num, opened.pr_revision) == (1, "refs/pr/1")
    assert opened.pr_url == f"{hub.endpoint}/{name}/discussions/1"
    assert [*repo.files] == ["a.txt"]
    push(hub, name, add("c.txt"), revision="refs/pr/1", token=STRANGER_TOKEN)
    (ref,) = connect(hub).list_repo_refs(name, include_pull_requests=True).pull_requests
    assert ref.ref == "refs/pr/1"
    assert sorted(repo.read_files("refs/pr/1")) == [".gitattributes", "a.txt", "b.txt", "c.txt", "w.bin"]


def test_pull_request_of_another_user_cannot_be_changed(hub: HubServer, name: str) -> None:
    repo = hub.create_repo(name)
    push(hub, name, add("a.txt"), create_pr=True)
    with pytest.raises(HfHubHTTPError, match="403 Forbidden"):
        push(hub, name, add("b.txt"), revision="refs/pr/1", token=STRANGER_TOKEN)
    assert sorted(repo.read_files("refs/pr/1")) == [".gitattributes", "a.txt"]


def test_pull_request_is_merged_as_one_commit(hub: HubServer, name: str) -> None:
    repo, api = hub.create_repo(name, files={"a.txt": b"a", "b.txt": b"b"}), connect(hub)
    push(hub, name, add("c.txt"), CommitOperationDelete("a.txt"), create_pr=True)
    push(hub, name, add("d.txt"))
    assert api.get_discussion_details(name, 1).conflicting_files == []
    api.merge_pull_request(name, 1)
    assert sorted(repo.files) == ["b.txt", "c.txt", "d.txt"]
    details = api.get_discussion_details(name, 1)
    assert (details.status, details.merge_commit_oid, details.target_branch) == ("merged", repo.head, "refs/heads/main")


def test_discussions_are_listed_by_type_status_and_author(hub: HubServer, name: str) -> None:
    hub.create_repo(name)
    api = connect(hub)
    api.create_discussion(name, "A question")
    push(hub, name, add("a.txt"), create_pr=True)
    push(hub, name, add("b.txt"), token=STRANGER_TOKEN, create_pr=True)
    api.change_discussion_status(name, 2, "closed")

    def find(**options: Any) -> list[int]:
        return [one.num for one in api.get_repo_discussions(name, **options)]

    assert find() == [3, 2, 1]
    assert find(discussion_type="pull_request", discussion_status="open") == [3]
    assert find(author="owner") == [2, 1]
    events = [event.type for event in api.get_discussion_details(name, 2).events]
    assert events == ["comment", "commit", "status-change"]


# Reading.


def test_tree_has_files_folders_and_last_commits(hub: HubServer, name: str) -> None:
    repo, api = hub.create_repo(name, files={"a.txt": b"a", "b/c/d.bin": b"\0d"}), connect(hub)
    repo.write({"a.txt": b"aa"}, "Second")
    assert [one.path for one in api.list_repo_tree(name)] == [".gitattributes", "a.txt", "b"]
    assert [one.path for one in api.list_repo_tree(name, "b/c")] == ["b/c/d.bin"]
    tree = {one.path: one for one in api.list_repo_tree(name, recursive=True, expand=True)}
    assert {path: one.last_commit.title for path, one in tree.items()} == {
        ".gitattributes": "initial commit",
        "a.txt": "Second",
        **dict.fromkeys(["b", "b/c", "b/c/d.bin"], "Add files"),
    }
    assert (tree["b/c/d.bin"].size, tree["b/c/d.bin"].lfs.size, tree["a.txt"].lfs) == (2, 2, None)
    assert [one.path for one in api.get_paths_info(name, ["b/c/d.bin", "none"])] == ["b/c/d.bin"]
    with pytest.raises(EntryNotFoundError):
        [*api.list_repo_tree(name, "none")]


def test_commits_are_listed_the_newest_first(hub: HubServer, name: str) -> None:
    hub.create_repo(name, files={"a.txt": b"a"})
    push(hub, name, add("b.txt"))
    commits = connect(hub).list_repo_commits(name)
    assert [one.title for one in commits] == ["Push", "Add files", "initial commit"]
    assert commits[0].authors == ["owner"]
    assert commits[0].created_at > commits[1].created_at > commits[2].created_at


def test_snapshot_has_the_pushed_files(hub: HubServer, name: str, tmp_path: Path) -> None:
    files = {"a.txt": b"a", "b/w.safetensors": b"\0" * 2000, "empty.txt": b""}
    hub.create_repo(f"datasets/{name}", files=files, private=True)
    folder = Path(
        snapshot_download(name, repo_type="dataset", cache_dir=tmp_path, endpoint=hub.endpoint, token=READ_TOKEN)
    )
    assert {path: (folder / path).read_bytes() for path in files} == files


@pytest.mark.parametrize(
    ("wanted", "status", "content"),
    [
        ("bytes=2-", 206, b"2345"),
        ("bytes=1-3", 206, b"123"),
        ("bytes=-2", 206, b"45"),
        ("bytes=4-99", 206, b"45"),
        ("bytes=6-", 416, None),
        ("", 200, b"012345"),
    ],
)
def test_range_of_a_file_is_sent(wanted: str, status: int, content: bytes | None, hub: HubServer, name: str) -> None:
    hub.create_repo(name, files={"a.txt": b"012345"})
    answer = httpx2.get(f"{hub.endpoint}/{name}/resolve/main/a.txt", headers={"Range": wanted})
    assert answer.status_code == status
    assert content is None or answer.content == content


@pytest.mark.parametrize(
    ("file", "revision", "error"),
    [
        ("none.txt", "main", EntryNotFoundError),
        ("a.txt", "none", RevisionNotFoundError),
        ("a.txt", "f" * 40, RevisionNotFoundError),
    ],
)
def test_missing_file_and_missing_revision_differ(
    file: str, revision: str, error: type[Exception], hub: HubServer, name: str, tmp_path: Path
) -> None:
    hub.create_repo(name, files={"a.txt": b"a"})
    with pytest.raises(error):
        connect(hub).hf_hub_download(name, file, revision=revision, cache_dir=tmp_path)


def test_model_loads_from_the_test_hub(hub_here: HubServer, tiny_encoder: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    files = {path.name: path.read_bytes() for path in tiny_encoder.iterdir()}
    hub_here.create_repo("owner/encoder", files=files, private=True)
    assert AutoModel.from_pretrained("owner/encoder").config.hidden_size == 32
    assert AutoTokenizer.from_pretrained("owner/encoder")("bank").input_ids[1:-1]
    assert hub_here.errors == []
