"""Repositories and pushes on the test Hub, through the unmodified client over HTTP."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import CommitOperationDelete
from huggingface_hub.errors import (
    BadRequestError,
    EntryNotFoundError,
    HfHubHTTPError,
    RepositoryNotFoundError,
)

from tests.hub_server import TOKEN, HubServer
from tests.hub_server.client import add, connect, push

# huggingface_hub uploads with a deprecated argument of its HTTP client.
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


# Repositories.


@pytest.mark.parametrize(("kind", "key"), [("model", ""), ("dataset", "datasets/"), ("space", "spaces/")])
def test_new_repository_has_the_hubs_first_commit(kind: str, key: str, hub: HubServer, name: str) -> None:
    sdk = {"space_sdk": "static"} if kind == "space" else {}
    url = connect(hub).create_repo(name, repo_type=kind, private=True, **sdk)
    assert (url.repo_id, url.repo_type) == (name, kind)
    (first,) = connect(hub).list_repo_commits(name, repo_type=kind)
    assert first.title == "initial commit"
    card = ["README.md"] if kind == "space" else []
    assert connect(hub).list_repo_files(name, repo_type=kind) == [".gitattributes", *card]
    assert (hub.repos[key + name].commits, [*hub.repos[key + name].files]) == ([], card)


def test_space_needs_an_sdk_that_exists(hub: HubServer, name: str) -> None:
    with pytest.raises(HfHubHTTPError, match="sdk"):
        connect(hub).create_repo(name, repo_type="space", space_sdk="streamlit")
    assert f"spaces/{name}" not in hub.repos


def test_repository_is_created_once_and_deleted_once(hub: HubServer, name: str) -> None:
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
    info = connect(hub).model_info(name)
    assert (info.private, info.gated) == (True, "manual")


def test_info_is_derived_from_card_and_files(hub: HubServer, name: str) -> None:
    config = b'{"model_type": "bert", "architectures": ["BertForSequenceClassification"]}'
    repo = hub.create_repo(
        name, files={"README.md": CARD.encode(), "config.json": config, "a.safetensors": b"\0" * 300}
    )
    info = connect(hub).model_info(name, files_metadata=True)
    assert (info.sha, info.library_name, info.pipeline_tag) == (repo.head, "transformers", "text-classification")
    wanted = "transformers safetensors bert text-classification news en dataset:owner/news base_model:owner/encoder"
    others = "base_model:finetune:owner/encoder license:mit model-index region:us"
    assert info.tags == f"{wanted} {others}".split()
    assert info.card_data.eval_results[0].metric_value == 0.75
    assert info.last_modified > info.created_at
    large = next(one for one in info.siblings if one.rfilename == "a.safetensors")
    assert (large.size, large.lfs.size, len(large.lfs.sha256)) == (300, 300, 64)


# Pushing.


def test_push_is_one_commit_with_large_files_in_lfs(hub: HubServer, name: str, tmp_path: Path) -> None:
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


def test_unchanged_files_make_no_commit(hub: HubServer, name: str) -> None:
    repo = hub.create_repo(name, files={"a.txt": b"text", "b.bin": b"\0b"})
    head = repo.head
    assert push(hub, name, add("a.txt"), add("b.bin", b"\0b")).oid == head
    lines = [
        {"key": "header", "value": {"summary": "Same"}},
        {"key": "file", "value": {"path": "a.txt", "content": "text"}},
    ]
    body = "\n".join(map(json.dumps, lines))
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


def test_files_are_written_without_http(hub: HubServer, name: str) -> None:
    repo = hub.create_repo(name, files={"a.txt": b"a", "b.txt": b"b"})
    repo.write({"a.txt": None, "c.bin": b"\0c"}, "Change")
    assert repo.files == {"b.txt": b"b", "c.bin": b"\0c"}
    assert repo.commits == [("Add files", ["a.txt", "b.txt"]), ("Change", ["a.txt", "c.bin"])]


@pytest.mark.parametrize("path", ["a.txt/b.txt", "a//b", ".git/config"])
def test_impossible_path_is_refused(path: str, hub: HubServer, name: str) -> None:
    repo = hub.create_repo(name, files={"a.txt": b"a"})
    operation = add("placeholder")
    operation.path_in_repo = path
    with pytest.raises(BadRequestError):
        push(hub, name, operation)
    assert len(repo.commits) == 1


def test_large_file_without_an_upload_is_refused(hub: HubServer, name: str) -> None:
    repo = hub.create_repo(name)
    operation = add("w.bin", b"\0never sent")
    operation._is_uploaded, operation._upload_mode, operation._should_ignore = True, "lfs", False
    with pytest.raises(BadRequestError, match="LFS pointer pointed to a file that does not exist"):
        push(hub, name, operation)
    assert repo.commits == []


def test_large_file_must_match_its_hash(hub: HubServer, name: str) -> None:
    repo = hub.create_repo(name)
    answer = httpx2.put(f"{hub.endpoint}/lfs/{'a' * 64}?repo={name}&size=3", content=b"abc")
    assert (answer.status_code, repo.large) == (400, {})


def test_upload_is_verified_if_the_hub_asks_for_it(hub: HubServer, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub.hub, "lfs_verify", True)
    hub.create_repo(name)
    before = len(hub.requests)
    push(hub, name, add("w.bin", b"\0w"))
    assert ("POST", "/lfs-verify") in hub.requests[before:]


def test_commit_on_another_parent_is_refused(hub: HubServer, name: str) -> None:
    repo = hub.create_repo(name, files={"a.txt": b"a"})
    old = repo.head
    push(hub, name, add("b.txt"), parent_commit=old)
    with pytest.raises(HfHubHTTPError, match="A commit has happened since") as caught:
        push(hub, name, add("c.txt"), parent_commit=old)
    assert caught.value.response.status_code == 412
    assert sorted(repo.files) == ["a.txt", "b.txt"]


def test_one_of_three_concurrent_commits_succeeds(hub: HubServer, name: str) -> None:
    repo = hub.create_repo(name)
    head, together = repo.head, threading.Barrier(3)

    def race(index: int) -> int:
        together.wait(timeout=10)
        try:
            push(hub, name, add(f"{index}.txt"), parent_commit=head)
        except HfHubHTTPError as error:
            return error.response.status_code
        return 200

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(race, range(3))) == [200, 412, 412]
    assert len(repo.commits) == len(repo.files) == 1


def test_reference_moves_only_from_the_expected_commit(hub: HubServer, name: str) -> None:
    repo = hub.create_repo(name, files={"a.txt": b"a"})
    log = repo.git.read_log(repo.head)
    assert not repo.git.move_ref("refs/heads/main", log[1].oid, log[1].oid)
    assert repo.git.move_ref("refs/heads/main", log[1].oid, log[0].oid)
    assert repo.files == {}
