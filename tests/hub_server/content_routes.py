"""Routes for the content of a repository: trees, files, commits, branches, tags."""

import re
from typing import Any

from tests.hub_server.git import Commit
from tests.hub_server.hub import format_date
from tests.hub_server.messages import Refusal, Request, Response
from tests.hub_server.paging import build_page
from tests.hub_server.repo_routes import find_repo, require_download, require_write
from tests.hub_server.repositories import Repository

_GROUPS = {"refs/heads/": "branches", "refs/tags/": "tags", "refs/pr/": "pullRequests"}


def list_tree(request: Request) -> Response:
    """Answer GET .../tree/{rev}[/path]: the files and folders in a folder."""
    repo, revision = find_repo(request), request.groups["revision"]
    commit = request.hub.find_commit(repo, revision)
    folder = (request.groups.get("path") or "").strip("/")
    entries = _describe_entries(repo, commit, expand=request.has("expand"))
    prefix = f"{folder}/" if folder else ""
    found = [entry for path, entry in entries.items() if path.startswith(prefix)]
    if folder and not found:
        raise Refusal(404, f'{folder} does not exist on "{revision}"', "EntryNotFound")
    if not request.has("recursive"):
        found = [entry for entry in found if "/" not in entry["path"].removeprefix(prefix)]
    return build_page(request, found)


def list_paths(request: Request) -> Response:
    """Answer POST .../paths-info/{rev}: the requested paths that exist."""
    repo = find_repo(request)
    asked = request.read_form()
    expand = asked.get("expand", [""])[-1].lower() in {"true", "1"}
    entries = _describe_entries(repo, request.hub.find_commit(repo, request.groups["revision"]), expand=expand)
    return Response.from_json([entries[path] for path in asked.get("paths", []) if path in entries])


def _describe_entries(repo: Repository, commit: str, *, expand: bool) -> dict[str, dict[str, Any]]:
    files = {file.path: file for file in repo.list_files(commit)}
    entries: dict[str, dict[str, Any]] = {}
    for path, kind, oid, _ in repo.git.read_tree(commit):
        if kind == "tree":
            entries[path] = {"type": "directory", "oid": oid, "size": 0, "path": path}
            continue
        file = files[path]
        entries[path] = {"type": "file", "oid": oid, "size": file.size, "path": path}
        if file.sha256:
            entries[path]["lfs"] = {"oid": file.sha256, "size": file.size, "pointerSize": file.pointer_size}
    if expand:
        for path, last in _find_last_commits(repo, commit).items():
            entries[path]["lastCommit"] = {"id": last.oid, "title": last.title, "date": format_date(last.seconds)}
    return entries


def _find_last_commits(repo: Repository, commit: str) -> dict[str, Commit]:
    """Return the newest commit that changed each file, or a file in each folder."""
    left = {entry.path for entry in repo.git.read_tree(commit)}
    found: dict[str, Commit] = {}
    for one in repo.git.read_log(commit):
        for path in repo.find_changes(one):
            parents = ["/".join(path.split("/")[:length]) for length in range(1, path.count("/") + 1)]
            for touched in left.intersection([path, *parents]):
                found.setdefault(touched, one)
    return found


def list_refs(request: Request) -> Response:
    """Answer GET .../refs."""
    repo = find_repo(request)
    refs: dict[str, list[dict[str, str]]] = {"branches": [], "converts": [], "tags": [], "pullRequests": []}
    for name, commit in repo.git.read_refs().items():
        prefix = next(prefix for prefix in _GROUPS if name.startswith(prefix))
        refs[_GROUPS[prefix]].append({"name": name.removeprefix(prefix), "ref": name, "targetCommit": commit})
    if not request.has("include_prs"):
        del refs["pullRequests"]
    return Response.from_json(refs)


def list_commits(request: Request) -> Response:
    """Answer GET .../commits/{rev}."""
    repo = find_repo(request)
    log = repo.git.read_log(request.hub.find_commit(repo, request.groups["revision"]))
    commits = [
        {
            "id": commit.oid,
            "title": commit.title,
            "message": commit.message,
            "authors": [{"user": commit.author}],
            "date": format_date(commit.seconds),
        }
        for commit in log
    ]
    return build_page(request, commits)


def create_branch(request: Request) -> Response:
    """Answer POST .../branch/{name}."""
    repo, name = find_repo(request), request.groups["revision"]
    require_write(request, repo)
    start = request.hub.find_commit(repo, request.read_json().get("startingPoint") or "main")
    return _create_ref(repo, f"refs/heads/{name}", start)


def create_tag(request: Request) -> Response:
    """Answer POST .../tag/{rev}; the name is in the body."""
    repo = find_repo(request)
    require_write(request, repo)
    commit = request.hub.find_commit(repo, request.groups["revision"])
    return _create_ref(repo, f"refs/tags/{request.read_json().get('tag')}", commit)


def _create_ref(repo: Repository, name: str, commit: str) -> Response:
    if re.search(r"\.\.|[ ~^:?*\[\\]|/$|\.lock$|@\{", name):
        raise Refusal(400, f"Invalid reference name: {name}")
    if not repo.git.move_ref(name, commit, None):
        raise Refusal(409, f"Reference already exists: {name}")
    return Response.from_json({"ref": name})


def delete_branch(request: Request) -> Response:
    """Answer DELETE .../branch/{name}; main is refused."""
    if request.groups["revision"] == "main":
        raise Refusal(403, "Cannot delete the default branch")
    return _delete_ref(request, f"refs/heads/{request.groups['revision']}")


def delete_tag(request: Request) -> Response:
    """Answer DELETE .../tag/{name}."""
    return _delete_ref(request, f"refs/tags/{request.groups['revision']}")


def _delete_ref(request: Request, name: str) -> Response:
    repo = find_repo(request)
    require_write(request, repo)
    commit = repo.git.read_refs().get(name)
    if commit is None or not repo.git.move_ref(name, None, commit):
        raise Refusal(404, f"Reference does not exist: {name}", "RevisionNotFound")
    return Response.from_json({})


def resolve(request: Request) -> Response:
    """Answer HEAD and GET /{id}/resolve/{rev}/{path}: a file, or the requested range of it."""
    repo, path = find_repo(request), request.groups["path"]
    require_download(request, repo)
    commit = request.hub.find_commit(repo, request.groups["revision"])
    file = next((file for file in repo.list_files(commit) if file.path == path), None)
    if file is None:
        # The client caches that the file is missing in this commit.
        raise Refusal(404, f"{path} does not exist", "EntryNotFound", **{"X-Repo-Commit": commit})
    headers = {"X-Repo-Commit": commit, "ETag": f'"{file.sha256 or file.blob_id}"', "Accept-Ranges": "bytes"}
    if file.sha256:
        headers |= {"X-Linked-Etag": headers["ETag"], "X-Linked-Size": str(file.size)}
    name = path.rpartition("/")[2]
    headers |= {"Content-Type": "application/octet-stream", "Content-Disposition": f'inline; filename="{name}";'}
    return _cut(repo.read_content(file), request.headers.get("range", ""), headers)


def _cut(content: bytes, wanted: str, headers: dict[str, str]) -> Response:
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", wanted)
    if match is None or match[1] == match[2] == "":
        return Response(content, headers=headers)
    start = int(match[1]) if match[1] else max(0, len(content) - int(match[2]))
    end = min(int(match[2]) + 1 if match[1] and match[2] else len(content), len(content))
    if start >= end:
        raise Refusal(416, "Requested range not satisfiable", **{"Content-Range": f"bytes */{len(content)}"})
    headers = headers | {"Content-Range": f"bytes {start}-{end - 1}/{len(content)}"}
    return Response(content[start:end], status=206, headers=headers)
