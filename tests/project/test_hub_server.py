"""The test Hub itself, through the unmodified client over HTTP: what it takes, what it gives, and to whom."""

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, constants, snapshot_download
from huggingface_hub.errors import (
    BadRequestError,
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tests.hub_server import (
    FINE_GRAINED_REPO,
    FINE_GRAINED_TOKEN,
    READ_TOKEN,
    STRANGER_TOKEN,
    TOKEN,
    WRONG_TOKEN,
    HubServer,
)

# huggingface_hub uploads by a way of its HTTP client that is on its way out.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

CARD = """\
---
license: mit
language: en
tags: [news]
datasets: [owner/news]
base_model: owner/encoder
library_name: transformers
pipeline_tag: text-classification
model-index:
- name: tiny
  results:
  - task: {type: text-classification}
    dataset: {type: owner/news, name: News}
    metrics: [{type: accuracy, value: 0.75}]
---
# Tiny
"""


@pytest.fixture(scope="module", autouse=True)
def _without_xet() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        patch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server
        assert server.errors == []


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A repository that no other test uses; it is not there yet."""
    return "owner/" + re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:80].strip("-")


def connect(hub: HubServer, token: str | bool = TOKEN) -> HfApi:
    return HfApi(endpoint=hub.endpoint, token=token)


def add(path: str, content: bytes = b"text") -> CommitOperationAdd:
    return CommitOperationAdd(path, content)


def push(hub: HubServer, name: str, *operations: Any, token: str = TOKEN, **options: Any) -> Any:
    return connect(hub, token).create_commit(name, [*operations], commit_message="Push", **options)


# Accounts.


@pytest.mark.parametrize(
    ("token", "expected"),
    [(TOKEN, "write"), (READ_TOKEN, "read"), (FINE_GRAINED_TOKEN, "fineGrained"), (STRANGER_TOKEN, "write")],
)
def test_token_tells_its_role(token: str, expected: str, hub: HubServer) -> None:
    told = connect(hub, token).whoami()
    assert told["auth"]["accessToken"]["role"] == expected
    assert told["name"] == ("stranger" if token == STRANGER_TOKEN else "owner")


def test_owner_has_a_role_in_each_organization(hub: HubServer) -> None:
    roles = {org["name"]: org["roleInOrg"] for org in connect(hub).whoami()["orgs"]}
    assert roles == {"newsroom": "write", "readers": "read"}


def test_fine_grained_token_tells_what_it_is_for(hub: HubServer) -> None:
    (scope,) = connect(hub, FINE_GRAINED_TOKEN).whoami()["auth"]["accessToken"]["fineGrained"]["scoped"]
    assert (scope["entity"]["type"], scope["entity"]["name"]) == ("model", FINE_GRAINED_REPO)
    assert "repo.write" in scope["permissions"]


def test_wrong_token_is_refused_even_for_what_is_public(hub: HubServer, name: str) -> None:
    hub.create_repo(name)
    with pytest.raises(HfHubHTTPError, match="Invalid user token"):
        connect(hub, WRONG_TOKEN).whoami()
    with pytest.raises(HfHubHTTPError, match="Invalid credentials in Authorization header") as caught:
        connect(hub, WRONG_TOKEN).model_info(name)
    assert caught.value.response.status_code == 401


@pytest.mark.parametrize(
    ("owner", "token"),
    [
        ("stranger", TOKEN),
        ("readers", TOKEN),
        ("owner", STRANGER_TOKEN),
        ("owner", READ_TOKEN),
        ("owner", FINE_GRAINED_TOKEN),
    ],
)
def test_repository_is_not_made_without_the_right(owner: str, token: str, hub: HubServer) -> None:
    with pytest.raises(
        HfHubHTTPError, match="You don't have the rights to create a model under the namespace"
    ) as caught:
        connect(hub, token).create_repo(f"{owner}/forbidden")
    assert caught.value.response.status_code == 403
    assert f"{owner}/forbidden" not in hub.repos


def test_writer_makes_repositories_of_the_organization(hub: HubServer) -> None:
    connect(hub).create_repo("newsroom/tiny", private=True)
    push(hub, "newsroom/tiny", add("a.txt"))
    assert hub.repos["newsroom/tiny"].files == {"a.txt": b"text"}
    assert connect(hub, READ_TOKEN).model_info("newsroom/tiny").private


@pytest.mark.parametrize("token", [STRANGER_TOKEN, FINE_GRAINED_TOKEN, False])
def test_private_repository_is_not_there_for_others(token: str | bool, hub: HubServer, name: str) -> None:
    hub.create_repo(name, files={"a.txt": b"a"}, private=True)
    with pytest.raises(RepositoryNotFoundError):
        connect(hub, token).model_info(name)
    with pytest.raises(HfHubHTTPError):
        connect(hub, token).hf_hub_download(name, "a.txt")


@pytest.mark.parametrize("token", [STRANGER_TOKEN, READ_TOKEN, FINE_GRAINED_TOKEN])
def test_push_without_the_right_is_refused(token: str, hub: HubServer, name: str) -> None:
    repo = hub.create_repo(name)
    with pytest.raises(HfHubHTTPError) as caught:
        push(hub, name, add("a.txt"), token=token)
    assert caught.value.response.status_code == 403
    assert repo.commits == []


def test_fine_grained_token_writes_its_repository(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = hub.create_repo(FINE_GRAINED_REPO, private=True)
    push(hub, FINE_GRAINED_REPO, add("a.txt"), add("weights.safetensors", b"\0w"), token=FINE_GRAINED_TOKEN)
    assert repo.files == {"a.txt": b"text", "weights.safetensors": b"\0w"}
    # Its holder may not create it, but the client sees that it is there (and reads its own setting of the address).
    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
    assert connect(hub, FINE_GRAINED_TOKEN).create_repo(FINE_GRAINED_REPO, exist_ok=True).repo_id == FINE_GRAINED_REPO


def test_gated_files_are_for_who_was_admitted(hub: HubServer, name: str, tmp_path: Path) -> None:
    repo = hub.create_repo(name, files={"a.txt": b"a"}, gated=True)
    stranger = connect(hub, STRANGER_TOKEN)
    assert stranger.model_info(name).gated == "auto"
    with pytest.raises(GatedRepoError):
        stranger.hf_hub_download(name, "a.txt", cache_dir=tmp_path)
    repo.admitted.add("stranger")
    assert Path(stranger.hf_hub_download(name, "a.txt", cache_dir=tmp_path)).read_bytes() == b"a"


# Repositories.


@pytest.mark.parametrize(("kind", "key"), [("model", ""), ("dataset", "datasets/"), ("space", "spaces/")])
def test_new_repository_holds_the_hubs_own_commit(kind: str, key: str, hub: HubServer, name: str) -> None:
    sdk = {"space_sdk": "static"} if kind == "space" else {}
    url = connect(hub).create_repo(name, repo_type=kind, private=True, **sdk)
    assert (url.repo_id, url.repo_type) == (name, kind)
    (first,) = connect(hub).list_repo_commits(name, repo_type=kind)
    assert first.title == "initial commit"
    assert connect(hub).list_repo_files(name, repo_type=kind) == [".gitattributes"]
    assert (hub.repos[key + name].commits, hub.repos[key + name].files) == ([], {})


def test_repository_is_made_once_and_deleted_once(hub: HubServer, name: str) -> None:
    api = connect(hub)
    api.create_repo(name)
    api.create_repo(name, exist_ok=True)
    with pytest.raises(HfHubHTTPError, match="You already created this model repo") as caught:
        api.create_repo(name)
    assert caught.value.response.status_code == 409
    api.delete_repo(name)
    assert not api.repo_exists(name)
    with pytest.raises(RepositoryNotFoundError):
        api.delete_repo(name)
    api.create_repo(name)
    assert hub.repos[name].commits == []


def test_settings_are_changed(hub: HubServer, name: str) -> None:
    hub.create_repo(name)
    connect(hub).update_repo_settings(name, private=True, gated="manual")
    told = connect(hub).model_info(name)
    assert (told.private, told.gated) == (True, "manual")


def test_info_tells_what_card_and_files_say(hub: HubServer, name: str) -> None:
    config = b'{"model_type": "bert", "architectures": ["BertForSequenceClassification"]}'
    repo = hub.create_repo(
        name, files={"README.md": CARD.encode(), "config.json": config, "a.safetensors": b"\0" * 300}
    )
    told = connect(hub).model_info(name, files_metadata=True)
    assert (told.sha, told.library_name, told.pipeline_tag) == (repo.head, "transformers", "text-classification")
    wanted = "transformers safetensors bert text-classification news en dataset:owner/news base_model:owner/encoder"
    further = "base_model:finetune:owner/encoder license:mit model-index region:us"
    assert told.tags == f"{wanted} {further}".split()
    assert told.card_data.eval_results[0].metric_value == 0.75
    assert told.last_modified > told.created_at
    large = next(one for one in told.siblings if one.rfilename == "a.safetensors")
    assert (large.size, large.lfs.size, len(large.lfs.sha256)) == (300, 300, 64)


# Pushing.


def test_push_is_one_commit_with_large_files_beside_it(hub: HubServer, name: str, tmp_path: Path) -> None:
    files = {
        "a.txt": b"a\n",
        "b/c.json": b"{}",
        "picture": b"\x89PNG\0",
        "w.safetensors": b"w" * 3000,
        "empty.bin": b"",
    }
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
    hub.create_repo(name)
    commit = connect(hub).upload_folder(repo_id=name, folder_path=tmp_path, commit_message="All\n\nof it")
    repo = hub.repos[name]
    assert repo.files == files
    assert repo.commits == [("All", sorted(files))]
    assert (commit.oid, commit.commit_url) == (repo.head, f"{hub.endpoint}/{name}/commit/{repo.head}")
    assert {one.path for one in repo.list_files(repo.head) if one.sha256} == {"picture", "w.safetensors"}
    assert files["w.safetensors"] in hub.blobs.values()


def test_what_is_there_already_makes_no_commit(hub: HubServer, name: str) -> None:
    repo = hub.create_repo(name, files={"a.txt": b"text", "b.bin": b"\0b"})
    head = repo.head
    assert push(hub, name, add("a.txt"), add("b.bin", b"\0b")).oid == head
    body = b'{"key": "header", "value": {"summary": "Same"}}\n{"key": "file", "value": {"path": "a.txt", "content": "text"}}'
    answer = httpx2.post(
        f"{hub.endpoint}/api/models/{name}/commit/main", content=body, headers={"Authorization": f"Bearer {TOKEN}"}
    )
    assert answer.json()["commitOid"] == repo.head == head


def test_files_and_folders_are_deleted(hub: HubServer, name: str) -> None:
    repo = hub.create_repo(name, files={"a.txt": b"a", "b/c.txt": b"c", "b/d.txt": b"d", "e.txt": b"e"})
    push(hub, name, CommitOperationDelete("a.txt"), CommitOperationDelete("b/"), add("f.txt", b"f"))
    assert repo.files == {"e.txt": b"e", "f.txt": b"f"}
    with pytest.raises(EntryNotFoundError, match="A file with this name doesn't exist"):
        push(hub, name, CommitOperationDelete("a.txt"))


@pytest.mark.parametrize("path", ["a.txt/b.txt", "a//b", ".git/config"])
def test_impossible_path_is_refused(path: str, hub: HubServer, name: str) -> None:
    repo = hub.create_repo(name, files={"a.txt": b"a"})
    operation = add("placeholder")
    operation.path_in_repo = path
    with pytest.raises(BadRequestError):
        push(hub, name, operation)
    assert len(repo.commits) == 1


def test_large_file_nobody_sent_is_refused(hub: HubServer, name: str) -> None:
    repo = hub.create_repo(name)
    operation = add("w.bin", b"\0never sent")
    operation._is_uploaded, operation._upload_mode, operation._should_ignore = True, "lfs", False
    with pytest.raises(BadRequestError, match="LFS pointer pointed to a file that does not exist"):
        push(hub, name, operation)
    assert repo.commits == []


def test_large_file_must_be_what_it_announced(hub: HubServer, name: str) -> None:
    repo = hub.create_repo(name)
    answer = httpx2.put(f"{hub.endpoint}/lfs/{'a' * 64}?repo={name}&size=3", content=b"abc")
    assert (answer.status_code, repo.large) == (400, {})


def test_upload_is_verified_where_the_hub_asks_for_it(
    hub: HubServer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub.hub, "lfs_verify", True)
    hub.create_repo(name)
    before = len(hub.requests)
    push(hub, name, add("w.bin", b"\0w"))
    assert ("POST", "/lfs-verify") in hub.requests[before:]


def test_commit_on_another_parent_is_refused(hub: HubServer, name: str) -> None:
    repo = hub.create_repo(name, files={"a.txt": b"a"})
    old = repo.head
    push(hub, name, add("b.txt"), parent_commit=old)
    with pytest.raises(HfHubHTTPError, match="A commit has happened since. Please refresh and try again") as caught:
        push(hub, name, add("c.txt"), parent_commit=old)
    assert caught.value.response.status_code == 412
    assert sorted(repo.files) == ["a.txt", "b.txt"]


def test_one_of_three_racing_commits_lands(hub: HubServer, name: str) -> None:
    repo = hub.create_repo(name)
    head, together = repo.head, threading.Barrier(3)

    def race(place: int) -> int:
        together.wait(timeout=10)
        try:
            push(hub, name, add(f"{place}.txt"), parent_commit=head)
        except HfHubHTTPError as error:
            return error.response.status_code
        return 200

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(race, range(3))) == [200, 412, 412]
    assert len(repo.commits) == len(repo.files) == 1


def test_reference_moves_only_from_where_it_was(hub: HubServer, name: str) -> None:
    repo = hub.create_repo(name, files={"a.txt": b"a"})
    log = repo.git.read_log(repo.head)
    assert not repo.git.move_ref("refs/heads/main", log[1].oid, log[1].oid)
    assert repo.git.move_ref("refs/heads/main", log[1].oid, log[0].oid)
    assert repo.files == {}


# Branches, tags and pull requests.


def test_branch_takes_commits_of_its_own(hub: HubServer, name: str) -> None:
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


def test_tag_stays_where_it_was_put(hub: HubServer, name: str, tmp_path: Path) -> None:
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


def test_pull_request_waits_beside_main(hub: HubServer, name: str) -> None:
    repo = hub.create_repo(name, files={"a.txt": b"a"})
    opened = push(hub, name, add("b.txt"), add("w.bin", b"\0w"), token=STRANGER_TOKEN, create_pr=True)
    assert (opened.pr_num, opened.pr_revision) == (1, "refs/pr/1")
    assert opened.pr_url == f"{hub.endpoint}/{name}/discussions/1"
    assert [*repo.files] == ["a.txt"]
    push(hub, name, add("c.txt"), revision="refs/pr/1")
    (ref,) = connect(hub).list_repo_refs(name, include_pull_requests=True).pull_requests
    assert ref.ref == "refs/pr/1"
    assert sorted(repo.read_files("refs/pr/1")) == [".gitattributes", "a.txt", "b.txt", "c.txt", "w.bin"]


def test_pull_request_is_merged_as_one_commit(hub: HubServer, name: str) -> None:
    repo, api = hub.create_repo(name, files={"a.txt": b"a", "b.txt": b"b"}), connect(hub)
    push(hub, name, add("c.txt"), CommitOperationDelete("a.txt"), create_pr=True)
    push(hub, name, add("d.txt"))
    assert api.get_discussion_details(name, 1).conflicting_files == []
    api.merge_pull_request(name, 1)
    assert sorted(repo.files) == ["b.txt", "c.txt", "d.txt"]
    told = api.get_discussion_details(name, 1)
    assert (told.status, told.merge_commit_oid, told.target_branch) == ("merged", repo.head, "refs/heads/main")


def test_discussions_are_listed_by_kind_state_and_author(hub: HubServer, name: str) -> None:
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


def test_tree_tells_files_folders_and_last_commits(hub: HubServer, name: str) -> None:
    repo, api = hub.create_repo(name, files={"a.txt": b"a", "b/c/d.bin": b"\0d"}), connect(hub)
    repo.write({"a.txt": b"aa"}, "Second")
    assert [one.path for one in api.list_repo_tree(name)] == [".gitattributes", "a.txt", "b"]
    assert [one.path for one in api.list_repo_tree(name, "b/c")] == ["b/c/d.bin"]
    told = {one.path: one for one in api.list_repo_tree(name, recursive=True, expand=True)}
    assert {path: one.last_commit.title for path, one in told.items()} == {
        ".gitattributes": "initial commit", "a.txt": "Second", "b": "Add files", "b/c": "Add files", "b/c/d.bin": "Add files",
    }  # fmt: skip
    assert (told["b/c/d.bin"].size, told["b/c/d.bin"].lfs.size, told["a.txt"].lfs) == (2, 2, None)
    assert [one.path for one in api.get_paths_info(name, ["b/c/d.bin", "none"])] == ["b/c/d.bin"]
    with pytest.raises(EntryNotFoundError):
        [*api.list_repo_tree(name, "none")]


def test_commits_are_listed_the_newest_first(hub: HubServer, name: str) -> None:
    hub.create_repo(name, files={"a.txt": b"a"})
    push(hub, name, add("b.txt"))
    told = connect(hub).list_repo_commits(name)
    assert [one.title for one in told] == ["Push", "Add files", "initial commit"]
    assert told[0].authors == ["owner"]
    assert told[0].created_at > told[1].created_at > told[2].created_at


def test_snapshot_is_what_was_pushed(hub: HubServer, name: str, tmp_path: Path) -> None:
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
def test_part_of_a_file_is_given(wanted: str, status: int, content: bytes | None, hub: HubServer, name: str) -> None:
    hub.create_repo(name, files={"a.txt": b"012345"})
    answer = httpx2.get(f"{hub.endpoint}/{name}/resolve/main/a.txt", headers={"Range": wanted})
    assert answer.status_code == status
    assert content is None or answer.content == content


@pytest.mark.parametrize(("file", "revision", "error"), [
    ("none.txt", "main", EntryNotFoundError), ("a.txt", "none", RevisionNotFoundError), ("a.txt", "f" * 40, RevisionNotFoundError),
])  # fmt: skip
def test_what_is_not_there_is_told_apart(
    file: str, revision: str, error: type[Exception], hub: HubServer, name: str, tmp_path: Path
) -> None:
    hub.create_repo(name, files={"a.txt": b"a"})
    with pytest.raises(error):
        connect(hub).hf_hub_download(name, file, revision=revision, cache_dir=tmp_path)


def test_model_is_loaded_from_here(hub_here: HubServer, tiny_encoder: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    files = {path.name: path.read_bytes() for path in tiny_encoder.iterdir()}
    hub_here.create_repo("owner/encoder", files=files, private=True)
    assert AutoModel.from_pretrained("owner/encoder").config.hidden_size == 32
    assert AutoTokenizer.from_pretrained("owner/encoder")("bank").input_ids[1:-1]
    assert hub_here.errors == []
