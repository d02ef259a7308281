"""Routes of a push: the upload mode of each file, the uploads of large files, and the commit."""

import base64
import fnmatch
import hashlib
import json
from typing import Any

from tests.hub_server.discussions import open_discussion
from tests.hub_server.messages import Refusal, Request, Response
from tests.hub_server.repo_routes import find_repo, require_write
from tests.hub_server.repositories import Repository, build_pointer

_CONFLICT = "A commit has happened since. Please refresh and try again."


def preupload(request: Request) -> Response:
    """Answer POST .../preupload/{rev}: whether each file is large, and the id of its stored content."""
    repo = find_repo(request)
    _require_push(request, repo)
    commit = request.hub.find_commit(repo, request.groups["revision"])
    stored = {file.path: file.sha256 or file.blob_id for file in repo.list_files(commit)}
    asked = request.read_json()
    ignored = [line.strip() for line in asked.get("gitIgnore", "").splitlines() if line.strip()[:1] not in {"", "#"}]
    files = []
    for wanted in asked["files"]:
        path, sample = wanted["path"], base64.b64decode(wanted.get("sample", ""))
        is_large = repo.is_large(path, wanted["size"], sample, commit)
        files.append(
            {
                "path": path,
                "uploadMode": "lfs" if is_large else "regular",
                "shouldIgnore": any(_matches(path, pattern) for pattern in ignored),
                "oid": stored.get(path),
            }
        )
    return Response.from_json({"files": files, "commitOid": commit})


def _matches(path: str, pattern: str) -> bool:
    parts = [path, *path.split("/")]
    return any(fnmatch.fnmatch(part, pattern.rstrip("/")) for part in parts)


def _require_push(request: Request, repo: Repository) -> None:
    """Refuse a caller who may not write, unless this is a new pull request or one of their own."""
    revision = request.groups["revision"]
    is_own = any(one.ref == revision and one.author == request.caller.name for one in repo.discussions)
    if not request.has("create_pr") and not is_own:
        require_write(request, repo)
        return
    request.caller.require_token()
    if not request.caller.may_propose(repo):
        raise Refusal(403, "Forbidden: you must use a write token to open a pull request")


def offer_uploads(request: Request) -> Response:
    """Answer POST /{id}.git/info/lfs/objects/batch: where to upload the files that are not stored yet."""
    repo = find_repo(request)
    request.caller.require_token()
    # A caller who may only open a pull request uploads too; this request does not say what the commit will be.
    if not request.caller.may_propose(repo):
        raise Refusal(403, "Authorization error.")
    objects = request.read_json().get("objects", [])
    for wanted in objects:
        if wanted["oid"] in repo.large:
            continue
        query = f"?repo={repo.key}&size={wanted['size']}"
        wanted["actions"] = {"upload": {"href": f"{request.hub.endpoint}/lfs/{wanted['oid']}{query}"}}
        if request.hub.lfs_verify:
            wanted["actions"]["verify"] = {"href": f"{request.hub.endpoint}/lfs-verify?repo={repo.key}"}
    return Response.from_json({"transfer": "basic", "objects": objects})


def receive_upload(request: Request) -> Response:
    """Answer PUT /lfs/{oid}: store the content if its hash and size are right."""
    if hashlib.sha256(request.body).hexdigest() != request.groups["oid"]:
        raise Refusal(400, "the content does not have the SHA-256 it announced")
    if request.find("size") != str(len(request.body)):
        raise Refusal(400, "the content does not have the size it announced")
    repo = request.hub.repos.get(request.find("repo"))
    if repo is None:
        raise Refusal(404, "Repository not found", "RepoNotFound")
    repo.add_large(request.body)
    return Response()


def verify_upload(request: Request) -> Response:
    """Answer POST /lfs-verify: whether the content is stored."""
    repo = request.hub.find(request.find("repo"), request.caller)
    asked = request.read_json()
    if repo.large.get(asked.get("oid", "")) != asked.get("size"):
        raise Refusal(404, "Object does not exist")
    return Response.from_json({})


def commit(request: Request) -> Response:
    """Answer POST .../commit/{rev}: make one commit of JSON lines, a header and the changes, or none."""
    repo, revision = find_repo(request), request.groups["revision"]
    _require_push(request, repo)
    header, changes = _read_lines(request.body)
    refs = repo.git.read_refs()
    ref = _find_ref(refs, revision)
    head = refs[ref]
    parent = header.get("parentCommit") or head
    wants_pr = request.has("create_pr")
    if wants_pr:
        head = request.hub.find_commit(repo, parent)
    elif not head.startswith(parent):
        raise Refusal(412, _CONFLICT)
    files = _apply(repo, repo.list_blobs(head), changes)
    new = _store(repo, files, head, header, author=request.caller.name or "")
    if wants_pr:
        return _answer_proposal(request, repo, ref, new, header)
    # Someone else may have moved the reference since it was read.
    if new != head and not repo.git.move_ref(ref, new, head):
        raise Refusal(412, _CONFLICT)
    return Response.from_json(_describe_commit(request, repo, new))


def _read_lines(body: bytes) -> tuple[dict[str, Any], list[tuple[str, dict[str, Any]]]]:
    try:
        lines = [json.loads(line) for line in body.splitlines() if line.strip()]
        changes = [(line["key"], line["value"]) for line in lines]
    except (ValueError, KeyError, TypeError) as error:
        raise Refusal(400, f"Invalid NDJSON: {error}") from error
    if not changes or changes[0][0] != "header" or not changes[0][1].get("summary"):
        raise Refusal(400, '"summary" is required in the header, which comes first')
    return changes[0][1], changes[1:]


def _find_ref(refs: dict[str, str], revision: str) -> str:
    """Return the full name of a branch or a pull request; nothing else takes commits."""
    found = f"refs/heads/{revision}" if f"refs/heads/{revision}" in refs else revision
    if found not in refs or found.startswith("refs/tags/"):
        raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
    return found


def _apply(repo: Repository, files: dict[str, str], changes: list[tuple[str, dict[str, Any]]]) -> dict[str, str]:
    """Apply the changes in their order, and return the object ids by path."""
    contents = [_read_content(repo, key, value) for key, value in changes if not key.startswith("deleted")]
    stored = iter(repo.git.write_blobs(contents))
    after = dict(files)
    for key, value in changes:
        path = value["path"]
        if not key.startswith("deleted"):
            _check_path(path)
            after[path] = next(stored)
            continue
        deleted = [path] if key == "deletedFile" else [one for one in after if one.startswith(f"{path.rstrip('/')}/")]
        if not deleted or deleted[0] not in after:
            what = "file" if key == "deletedFile" else "folder"
            raise Refusal(404, f"A {what} with this name doesn't exist: {path}", "EntryNotFound")
        for one in deleted:
            del after[one]
    return after


def _read_content(repo: Repository, key: str, value: dict[str, Any]) -> bytes:
    if key == "file":
        content = value["content"]
        return base64.b64decode(content) if value.get("encoding") == "base64" else content.encode()
    if key != "lfsFile":
        raise Refusal(400, f"Unknown operation: {key}")
    size = repo.large.get(value["oid"])
    if size is None or value.get("size", size) != size:
        raise Refusal(400, f"LFS pointer pointed to a file that does not exist: {value['path']}, {value['oid']}")
    return build_pointer(value["oid"], size)


def _check_path(path: str) -> None:
    parts = path.split("/")
    if not path or any(part in {"", ".", "..", ".git"} for part in parts):
        raise Refusal(400, f"Invalid path: {path}")


def _store(repo: Repository, files: dict[str, str], head: str, header: dict[str, Any], *, author: str) -> str:
    """Return the new commit, or the old one if nothing changes."""
    if files == repo.list_blobs(head):
        return head
    folders = {"/".join(path.split("/")[:length]) for path in files for length in range(1, path.count("/") + 1)}
    if both := sorted(folders & files.keys()):
        raise Refusal(400, f"Both a file and a folder: {both[0]}")
    message = "\n\n".join(part for part in (header["summary"], header.get("description", "")) if part)
    return repo.store_commit(files, parents=[head], message=message, author=author)


def _answer_proposal(request: Request, repo: Repository, base: str, new: str, header: dict[str, Any]) -> Response:
    opened = open_discussion(
        repo,
        title=header["summary"],
        description=header.get("description", ""),
        author=request.caller.name or "",
        base=base,
        commit=new,
    )
    address = request.hub.build_address(repo, "discussions", str(opened.num))
    return Response.from_json(_describe_commit(request, repo, new) | {"pullRequestUrl": address})


def _describe_commit(request: Request, repo: Repository, oid: str) -> dict[str, Any]:
    address = request.hub.build_address(repo, "commit", oid)
    return {"success": True, "commitUrl": address, "commitOid": oid, "hookOutput": ""}
