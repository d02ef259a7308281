"""A small Hub on 127.0.0.1 for one account, in memory: what an unmodified huggingface_hub needs for a push and a load.

It checks tokens, keeps the commits of each repository in a list, takes large files only over LFS and only with the
SHA-256 they announce, and refuses a commit that names an LFS file nobody sent. Datasets stand beside the models, their
names preceded by `datasets/`, as in the addresses of the Hub.
"""

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

ACCOUNT = "owner"
TOKEN = "hf_" + "testing" * 5
_FIRST_COMMIT = "0" * 40
_LARGE = (".safetensors", ".png", ".parquet")


@dataclass
class Repo:
    """A repository: `commits` holds message and changed files of each, `files` what stands there now."""

    private: bool
    gated: bool = False
    commits: list[tuple[str, list[str]]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def head(self) -> str:
        """Return 40 hexadecimal digits, others after each commit."""
        if not self.commits:
            return _FIRST_COMMIT
        return hashlib.sha1(f"{len(self.commits)} {self.commits}".encode()).hexdigest()


class Refusal(Exception):
    """An answer other than success, with the error code that the client reads."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.code = status, code


class HubServer(ThreadingHTTPServer):
    """The server; use it as a context manager.

    Attributes:
        repos: by owner/name, those of datasets by datasets/owner/name.
        blobs: LFS files by SHA-256.
        failures: patterns of paths, and the status that requests to such paths are answered with.
        requests: method and path of each request, in order.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repos: dict[str, Repo] = {}
        self.blobs: dict[str, bytes] = {}
        self.failures: dict[str, int] = {}
        self.requests: list[tuple[str, str]] = []
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def endpoint(self) -> str:
        """Return what HF_ENDPOINT must be."""
        return f"http://127.0.0.1:{self.server_port}"

    def build_environment(self) -> dict[str, str]:
        """Return what a process needs to use this Hub."""
        return {"HF_ENDPOINT": self.endpoint, "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0", "HF_TOKEN": TOKEN}

    def __enter__(self) -> "HubServer":
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HubServer

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.requests.append((self.command, path))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            self._maybe_fail(path)
            for method, pattern, respond in _ROUTES:
                if method == self.command and (match := re.fullmatch(pattern, path)):
                    respond(self, body, **match.groupdict())
                    return
            raise Refusal(404, f"no such page: {path}", "RepoNotFound")
        except Refusal as refusal:
            self._send_json({"error": str(refusal)}, status=refusal.status, code=refusal.code)

    do_GET = do_HEAD = do_POST = do_PUT = _answer

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing."""

    def _maybe_fail(self, path: str) -> None:
        for pattern, status in self.server.failures.items():
            if re.search(pattern, path):
                raise Refusal(status, f"{HTTPStatus(status).phrase}, as the test asked for")

    def _send(self, content: bytes, *, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _send_json(self, content: Any, *, status: int = 200, code: str = "") -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": str(content["error"])} if code else {}
        self._send(json.dumps(content).encode(), status=status, **{"Content-Type": "application/json"}, **headers)

    def _has_token(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _require_token(self) -> None:
        if not self._has_token():
            raise Refusal(401, "Invalid username or password.")

    def _find(self, repo: str) -> Repo:
        """Return a repository; a private one is there only for its owner."""
        found = self.server.repos.get(repo)
        if found is None or (found.private and not self._has_token()):
            raise Refusal(404 if self._has_token() else 401, "Repository not found", "RepoNotFound")
        return found

    def _find_open(self, repo: str, revision: str) -> Repo:
        """Return a repository whose files may be read, at a revision that it has: the newest."""
        found = self._find(repo)
        if found.gated:
            raise Refusal(403, "Access to this dataset is restricted", "GatedRepo")
        if revision not in {"main", found.head}:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return found

    # What the routes do.

    def whoami(self, body: bytes) -> None:
        self._require_token()
        self._send_json({"type": "user", "name": ACCOUNT, "fullname": ACCOUNT, "orgs": [], "auth": {}})

    def create(self, body: bytes) -> None:
        self._require_token()
        wanted = json.loads(body)
        owner = wanted.get("organization") or ACCOUNT
        if owner != ACCOUNT:
            raise Refusal(403, f"You don't have the rights to create a model under the namespace {owner!r}")
        kind = "datasets/" if wanted.get("type") == "dataset" else ""
        repo = f"{kind}{owner}/{wanted['name']}"
        if repo in self.server.repos:
            self._send_json(
                {"error": "You already created this model repo", "url": f"{self.server.endpoint}/{repo}"}, status=409
            )
            return
        self.server.repos[repo] = Repo(private=wanted.get("visibility") == "private" or bool(wanted.get("private")))
        self._send_json({"url": f"{self.server.endpoint}/{repo}", "name": repo, "id": repo})

    def validate_yaml(self, body: bytes) -> None:
        asked = json.loads(body)
        content = asked["content"]
        match = re.match(r"---\n(.*?)\n---\n", content, flags=re.DOTALL)
        data = yaml.safe_load(match[1]) if match else None
        further = ("task_categories", "configs") if asked["repoType"] == "dataset" else ("model-index",)
        wrong = [key for key in ("language", "license", *further) if key not in (data or {})]
        errors = [{"message": f'"{key}" is required'} for key in wrong]
        self._send_json({"errors": errors, "warnings": []}, status=400 if errors else 200)

    def preupload(self, body: bytes, repo: str) -> None:
        self._require_token()
        files = self._find(repo).files
        self._send_json(
            {
                "files": [
                    {
                        "path": wanted["path"],
                        "uploadMode": "lfs" if wanted["path"].endswith(_LARGE) else "regular",
                        "shouldIgnore": False,
                        "oid": _hash_blob(files[wanted["path"]]) if wanted["path"] in files else None,
                    }
                    for wanted in json.loads(body)["files"]
                ]
            }
        )

    def lfs_batch(self, body: bytes, repo: str) -> None:
        self._require_token()
        self._find(repo)
        objects = json.loads(body)["objects"]
        for wanted in objects:
            if wanted["oid"] not in self.server.blobs:
                wanted["actions"] = {"upload": {"href": f"{self.server.endpoint}/lfs/{wanted['oid']}"}}
        self._send_json({"transfer": "basic", "objects": objects})

    def lfs_put(self, body: bytes, oid: str) -> None:
        if hashlib.sha256(body).hexdigest() != oid:
            raise Refusal(400, "the content does not have the SHA-256 it announced")
        self.server.blobs[oid] = body
        self._send(b"")

    def commit(self, body: bytes, repo: str) -> None:
        self._require_token()
        found = self._find(repo)
        message, files = "", dict(found.files)
        for line in body.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "header":
                message = value["summary"]
            elif entry["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "lfsFile":
                if value["oid"] not in self.server.blobs:
                    raise Refusal(400, f"LFS pointer of {value['path']} points to a file that does not exist")
                files[value["path"]] = self.server.blobs[value["oid"]]
            elif entry["key"] == "deletedFile":
                del files[value["path"]]
            else:
                raise Refusal(400, f"the test server knows no {entry['key']}")
        names = files.keys() | found.files.keys()
        changed = sorted(path for path in names if found.files.get(path) != files.get(path))
        found.files = files
        found.commits.append((message, changed))
        url = f"{self.server.endpoint}/{repo}/commit/{found.head}"
        self._send_json({"success": True, "commitUrl": url, "commitOid": found.head, "hookOutput": ""})

    def info(self, body: bytes, repo: str, revision: str | None = None) -> None:
        found = self._find(repo)
        if revision not in {None, "main", found.head}:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        siblings = [{"rfilename": path} for path in sorted(found.files)]
        name = repo.removeprefix("datasets/")
        self._send_json({"id": name, "sha": found.head, "private": found.private, "siblings": siblings, "tags": []})

    def tree(self, body: bytes, repo: str, revision: str, folder: str | None) -> None:
        prefix = f"{folder}/" if folder else ""
        found = self._find_open(repo, revision)
        files = {path: content for path, content in found.files.items() if path.startswith(prefix)}
        if folder and not files:
            raise Refusal(404, f"{folder} does not exist", "EntryNotFound")
        self._send_json(
            [
                {"type": "file", "path": path, "size": len(content), "oid": _hash_blob(content)}
                for path, content in sorted(files.items())
            ]
        )

    def resolve(self, body: bytes, repo: str, revision: str, path: str) -> None:
        found = self._find_open(repo, revision)
        if path not in found.files:
            raise Refusal(404, f"{path} does not exist", "EntryNotFound")
        content = found.files[path]
        tag = f'"{hashlib.sha256(content).hexdigest()}"'
        linked = {"X-Linked-Etag": tag, "X-Linked-Size": str(len(content))}
        self._send(content, **{"X-Repo-Commit": found.head, "ETag": tag, "Accept-Ranges": "none", **linked})


def _hash_blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


_API_REPO = r"(?:models/|(?=datasets/))(?P<repo>(?:datasets/)?[^/]+/[^/]+)"
_REPO = r"(?P<repo>(?:datasets/)?[^/]+/[^/]+)"
_REVISION = r"(?P<revision>[^/]+)"
_ROUTES = (
    ("GET", "/api/whoami-v2", _Handler.whoami),
    ("POST", "/api/repos/create", _Handler.create),
    ("POST", "/api/validate-yaml", _Handler.validate_yaml),
    ("POST", f"/api/{_API_REPO}/preupload/main", _Handler.preupload),
    ("POST", f"/api/{_API_REPO}/commit/main", _Handler.commit),
    ("POST", f"/{_REPO}\\.git/info/lfs/objects/batch", _Handler.lfs_batch),
    ("PUT", "/lfs/(?P<oid>[0-9a-f]{64})", _Handler.lfs_put),
    ("GET", f"/api/{_API_REPO}(?:/revision/{_REVISION})?", _Handler.info),
    ("GET", f"/api/{_API_REPO}/tree/{_REVISION}(?:/(?P<folder>.+))?", _Handler.tree),
    ("HEAD", f"/{_REPO}/resolve/{_REVISION}/(?P<path>.+)", _Handler.resolve),
    ("GET", f"/{_REPO}/resolve/{_REVISION}/(?P<path>.+)", _Handler.resolve),
)
