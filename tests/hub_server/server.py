"""The HTTP server of the Hub on 127.0.0.1, with faults."""

import os
import re
import shutil
import socket
import struct
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.hub_server.accounts import TOKEN, find_caller
from tests.hub_server.faults import Fault, Faults
from tests.hub_server.git import GitError
from tests.hub_server.hub import Hub
from tests.hub_server.messages import Refusal, Request, Response
from tests.hub_server.repositories import Repository
from tests.hub_server.routes import find_route

_LOOP = "/redirected"
_PARTS = 10


class HubServer(ThreadingHTTPServer):
    """The server; use it as a context manager. Leaving the block deletes its repositories.

    Attributes:
        hub: its state and settings.
        faults: tests append to them.
        failures: the status of all requests to a path, by a pattern of the path.
        requests: method and path of each request, in their order.
        errors: of the server itself; its tests assert that there are none.
    """

    daemon_threads = False  # leaving the block closes their connections and waits for them
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._folder = Path(tempfile.mkdtemp(prefix="hub-"))
        self.hub = Hub(self._folder, self.endpoint)
        self.faults = Faults()
        self.failures: dict[str, int] = {}
        self.requests: list[tuple[str, str]] = []
        self.errors: list[str] = []
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def endpoint(self) -> str:
        """Return the value for HF_ENDPOINT."""
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def repos(self) -> Mapping[str, Repository]:
        """Return the repositories by owner/name, for datasets datasets/owner/name."""
        return self.hub.repos

    @property
    def blobs(self) -> dict[str, bytes]:
        """Return all large files by SHA-256."""
        return self.hub.repos.large_files.read_all()

    @property
    def leaderboards(self) -> dict[str, list[dict[str, Any]]]:
        """Return the entries by dataset; tests add to them."""
        return self.hub.leaderboards

    def create_repo(
        self, key: str, *, files: Mapping[str, bytes] | None = None, private: bool = False, gated: bool = False
    ) -> Repository:
        """Create a repository without HTTP; the files are in a second commit, after the Hub's own."""
        made = self.hub.repos.create(key, private=private)
        if made is None:
            raise ValueError(f"{key} exists already")
        made.gated = gated
        if files:
            made.write(files, "Add files")
        return made

    def delete_repo(self, key: str) -> None:
        """Delete a repository without HTTP."""
        self.hub.repos.delete(key)

    def build_environment(self, token: str = TOKEN) -> dict[str, str]:
        """Return the environment for a process that uses this Hub."""
        return {"HF_ENDPOINT": self.endpoint, "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0", "HF_TOKEN": token}

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, so that leaving the block can close it."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that is closed."""
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that closed the connection."""

    def __enter__(self) -> "HubServer":
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.shutdown()
        self.stopping.set()
        self.hub.jobs.stop()
        for connection in list(self._open):
            cut(connection)
        self.server_close()
        self._thread.join()
        shutil.rmtree(self._folder, ignore_errors=True)


def cut(connection: socket.socket) -> None:
    """Close a connection, which may be closed already."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def reset(connection: socket.socket) -> None:
    """Close a connection with RST in place of FIN, as a firewall or a server that has crashed does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())  # the files made of a socket would keep it open


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body are sent together; otherwise the body waits 40 ms for the head to be acknowledged.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: HubServer

    def _answer(self) -> None:
        """Answer a request, with the fault if there is one."""
        path = unquote(urlsplit(self.path).path)
        self.server.requests.append((self.command, path))
        fault = self._find_fault(path)
        kind = fault.kind if fault else ""
        if fault and kind == "slow":
            self.server.stopping.wait(fault.seconds)
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length // 2 if kind == "cut upload" else length)
        if kind in {"no answer", "cut upload"}:
            self._cut()
        elif kind == "reset":
            self.close_connection = True
            reset(self.connection)
        elif kind == "redirect" or path == _LOOP:
            self._send(Response(status=302, headers={"Location": _LOOP}))
        elif fault and kind == "status":
            if fault.is_late:
                self._respond(body)
            self._send(_build_failure(fault))
        else:
            self._send_broken(self._respond(body), fault)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _answer

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing."""

    def _find_fault(self, path: str) -> Fault | None:
        fault = self.server.faults.find(self.command, path)
        statuses = (status for pattern, status in self.server.failures.items() if re.search(pattern, path))
        status = next(statuses, None)
        return fault or (Fault("status", status=status) if status else None)

    def _respond(self, body: bytes) -> Response:
        split = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            respond, groups = find_route(self.command, split.path)
            caller = find_caller(headers.get("authorization"))
            query = parse_qs(split.query, keep_blank_values=True)
            request = Request(self.server.hub, caller, self.command, split.path, query, headers, body, groups)
            return respond(request)
        except Refusal as refusal:
            return Response.from_refusal(refusal)
        except (GitError, OSError, KeyError, TypeError, ValueError) as error:
            self.server.errors.append(f"{self.command} {self.path}: {error!r}")
            return Response.from_refusal(Refusal(500, f"Internal Error: {error!r}"))

    def _send_broken(self, response: Response, fault: Fault | None) -> None:
        kind, body = fault.kind if fault else "", response.body
        half = body[: len(body) // 2]
        if kind == "lost answer":
            self._cut()
        elif kind == "cut head":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Le")
            self._cut()
        elif kind == "cut download":
            self._send(response, parts=[half])
            self._cut()
        elif kind == "half":
            self._send(replace(response, body=half))
        elif kind == "short length":
            self._send(replace(response, body=half), parts=[body])
        elif fault and kind == "slow download":
            size = len(body) // _PARTS + 1
            self._send(
                response, parts=[body[at : at + size] for at in range(0, len(body), size)], pause=fault.seconds / _PARTS
            )
        else:
            self._send(response)

    def _send(self, response: Response, *, parts: Sequence[bytes] | None = None, pause: float = 0.0) -> None:
        """Send a response; `parts` are sent in place of its body, with a pause before each."""
        self.send_response(response.status)
        for name, value in {"Content-Length": str(len(response.body)), **response.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        for part in [response.body] if parts is None else parts:
            if pause:
                self.wfile.flush()
                self.server.stopping.wait(pause)
            self.wfile.write(part)

    def _cut(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        cut(self.connection)


def _build_failure(fault: Fault) -> Response:
    if fault.page is not None:
        return Response(fault.page, fault.status, {"Content-Type": "text/html"})
    message = f"{HTTPStatus(fault.status).phrase}, as the test asked for"
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return Response.from_refusal(Refusal(fault.status, message, **headers))
