"""Routes for buckets. Their contents are stored by hf_xet itself, in a folder that it takes for its storage server."""

import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hf_xet

from tests.hub_server.accounts import Caller
from tests.hub_server.messages import Refusal, Request, Response

_HOUR = 3600


@dataclass
class Bucket:
    """Files by path, as the client described them."""

    private: bool
    files: dict[str, dict[str, Any]] = field(default_factory=dict)


class Buckets(dict[str, Bucket]):
    """Buckets by owner/name, and the contents of their files by hash."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._lock = threading.Lock()
        self._session: hf_xet.XetSession | None = None
        self.storage = f"local://{folder / 'storage'}"

    def list_paths(self, key: str) -> list[str]:
        """Return the paths in a bucket; none if there is no such bucket."""
        return sorted(self[key].files) if key in self else []

    def read(self, key: str, path: str) -> Path:
        """Return a file with the content of a file in a bucket."""
        return self.fetch(self[key].files[path]["xetHash"])

    def fetch(self, xet_hash: str) -> Path:
        """Return a file with the content that was uploaded under a hash."""
        path = self._folder / "contents" / xet_hash
        with self._lock:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                with self._open().new_file_download_group(endpoint=self.storage) as group:
                    group.start_download_file(hf_xet.XetFileInfo(xet_hash), str(path))
        return path

    def replace(self, key: str, prefix: str, folder: Path) -> None:
        """Put the files of a folder into a bucket, instead of those under the prefix."""
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        handles = []
        if paths:
            with self._lock, self._open().new_upload_commit(endpoint=self.storage) as commit:
                handles = [commit.start_upload_file(str(path), sha256=hf_xet.SKIP_SHA256) for path in paths]
        kept = {path: one for path, one in self[key].files.items() if not path.startswith(f"{prefix}/")}
        for path, handle in zip(paths, handles, strict=True):
            info, mtime = handle.result().xet_info, int(path.stat().st_mtime * 1000)
            name = f"{prefix}/{path.relative_to(folder).as_posix()}"
            kept[name] = {"xetHash": info.hash, "size": path.stat().st_size, "mtime": mtime}
        self[key].files = kept

    def _open(self) -> hf_xet.XetSession:
        self._session = self._session or hf_xet.XetSession()
        return self._session


def create(request: Request) -> Response:
    """Answer POST /api/buckets/{id}."""
    key, buckets = request.groups["bucket"], request.hub.buckets
    _require_write(request, key)
    url = {"url": f"{request.hub.endpoint}/buckets/{key}"}
    if key in buckets:
        return Response.from_json({"error": "You already created this bucket", **url}, status=409)
    buckets[key] = Bucket(private=request.read_json().get("visibility") == "private")
    return Response.from_json(url)


def read_info(request: Request) -> Response:
    """Answer GET /api/buckets/{id}."""
    bucket = _find(request)
    size = sum(one["size"] for one in bucket.files.values())
    return Response.from_json(
        {
            "id": request.groups["bucket"],
            "private": bucket.private,
            "createdAt": "2026-01-01T00:00:00.000Z",
            "size": size,
            "totalFiles": len(bucket.files),
        }
    )


def list_tree(request: Request) -> Response:
    """Answer GET .../tree/{prefix}; the client always asks for all levels."""
    prefix = request.groups.get("prefix", "")
    files = sorted(_find(request).files.items())
    return Response.from_json([_describe(path, one) for path, one in files if path.startswith(f"{prefix}/")])


def list_paths(request: Request) -> Response:
    """Answer POST .../paths-info."""
    files = _find(request).files
    return Response.from_json([_describe(path, files[path]) for path in request.read_json()["paths"] if path in files])


def change(request: Request) -> Response:
    """Answer POST .../batch: add and delete files."""
    bucket = _find(request)
    _require_write(request, request.groups["bucket"])
    for line in request.body.splitlines():
        operation = json.loads(line)
        if operation["type"] == "deleteFile":
            bucket.files.pop(operation["path"], None)
        else:
            size = request.hub.buckets.fetch(operation["xetHash"]).stat().st_size
            bucket.files[operation["path"]] = {**operation, "size": size}
    return Response.from_json({"failed": []})


def give_token(request: Request) -> Response:
    """Answer GET .../xet-read-token and .../xet-write-token."""
    _find(request)
    if request.groups["kind"] == "write":
        _require_write(request, request.groups["bucket"])
    storage, end = request.hub.buckets.storage, int(time.time()) + _HOUR
    headers = {"X-Xet-Cas-Url": storage, "X-Xet-Access-Token": "xet", "X-Xet-Token-Expiration": str(end)}
    return Response.from_json({"accessToken": "xet", "casUrl": storage, "exp": end}, headers=headers)


def resolve(request: Request) -> Response:
    """Answer HEAD /buckets/{id}/resolve/{path}."""
    key, path = request.groups["bucket"], request.groups["path"]
    found = _find(request).files.get(path)
    if found is None:
        raise Refusal(404, "Entry not found", "EntryNotFound")
    refresh = f"{request.hub.endpoint}/api/buckets/{key}/xet-read-token"
    headers = {"X-Xet-Hash": found["xetHash"], "X-Xet-Refresh-Route": refresh, "X-Linked-Size": str(found["size"])}
    return Response(headers=headers)


def _find(request: Request) -> Bucket:
    found = request.hub.buckets.get(request.groups["bucket"])
    if found is None or not (_is_member(request.caller, request.groups["bucket"]) or not found.private):
        raise Refusal(404, "Bucket not found", "RepoNotFound")
    return found


def _require_write(request: Request, key: str) -> None:
    request.caller.require_token()
    if not request.caller.may_create_in(key.split("/")[0]):
        raise Refusal(403, "Forbidden: the token may not write to this bucket")


def _is_member(caller: Caller, key: str) -> bool:
    return caller.name == key.split("/")[0]


def _describe(path: str, file: dict[str, Any]) -> dict[str, Any]:
    seconds, thousandths = divmod(file["mtime"], 1000)
    mtime = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{thousandths:03}Z"
    return {"type": "file", "path": path, "size": file["size"], "xetHash": file["xetHash"], "mtime": mtime}
