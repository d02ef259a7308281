"""Routes for the account and for whole repositories: create, delete, settings, access, info."""

import re
from typing import Any

from tests.hub_server.cards import Description
from tests.hub_server.messages import Refusal, Request, Response
from tests.hub_server.repositories import KINDS, Repository
from tests.hub_server.validation import SDKS

_SPACE_CARD = """\
---
title: {title}
emoji: 🏢
colorFrom: blue
colorTo: green
sdk: {sdk}
pinned: false
---

Check out the configuration reference at https://huggingface.co/docs/hub/spaces-config-reference
"""
_NAME = re.compile(r"(?!.*(--|\.\.))[A-Za-z0-9_][\w.-]{0,95}", flags=re.ASCII)


def whoami(request: Request) -> Response:
    """Answer GET /api/whoami-v2."""
    request.caller.require_token()
    return Response.from_json(request.caller.describe())


def create(request: Request) -> Response:
    """Answer POST /api/repos/create."""
    request.caller.require_token()
    wanted = request.read_json()
    kind, owner, name = _read_name(request, wanted)
    if not _NAME.fullmatch(name):
        raise Refusal(
            400, f"Invalid repo name: {owner}/{name} - repo name must use alphanumeric characters, '-', '_', '.'"
        )
    if not request.caller.may_create_in(owner):
        raise Refusal(403, f'You don\'t have the rights to create a {kind} under the namespace "{owner}"')
    key = f"{KINDS[kind]}{owner}/{name}"
    private = wanted.get("visibility") == "private" or wanted.get("private") is True
    created = {"url": f"{request.hub.endpoint}/{key}", "name": f"{owner}/{name}", "private": private}
    if kind == "space" and wanted.get("sdk") not in SDKS:
        raise Refusal(400, f'"sdk" must be one of [{", ".join(SDKS)}]')
    made = request.hub.repos.create(key, private=private)
    if made is None:
        return Response.from_json({"error": f"You already created this {kind} repo", **created}, status=409)
    if kind == "space":
        card = _SPACE_CARD.format(title=name, sdk=wanted["sdk"])
        made.begin_with({"README.md": card.encode()})
    return Response.from_json({**created, "id": f"{made.created_at:024x}"})


def delete(request: Request) -> Response:
    """Answer DELETE /api/repos/delete."""
    request.caller.require_token()
    kind, owner, name = _read_name(request, request.read_json())
    repo = request.hub.find(f"{KINDS[kind]}{owner}/{name}", request.caller)
    require_write(request, repo)
    request.hub.repos.delete(repo.key)
    return Response.from_json({})


def _read_name(request: Request, wanted: dict[str, Any]) -> tuple[str, str, str]:
    kind = wanted.get("type") or "model"
    if kind not in KINDS:
        raise Refusal(400, f"Invalid repo type: {kind}")
    owner = wanted.get("organization") or request.caller.name or ""
    return kind, owner, str(wanted.get("name", ""))


def change_settings(request: Request) -> Response:
    """Answer PUT .../settings: private or public, gated or not."""
    repo = find_repo(request)
    require_write(request, repo)
    wanted = request.read_json()
    if "visibility" in wanted or "private" in wanted:
        repo.private = wanted.get("visibility") == "private" or wanted.get("private") is True
    if "gated" in wanted:
        repo.gated = wanted["gated"]
    return Response.from_json({"private": repo.private, "gated": repo.gated})


def check_access(request: Request) -> Response:
    """Answer GET .../auth-check, and .../auth-check/write."""
    repo = find_repo(request)
    if request.groups.get("write"):
        require_write(request, repo)
    else:
        require_download(request, repo)
    return Response.from_json({})


def read_info(request: Request) -> Response:
    """Answer GET /api/models/{id} and .../revision/{rev}."""
    repo = find_repo(request)
    commit = request.hub.find_commit(repo, request.groups.get("revision") or "main")
    info = Description(repo, commit).to_json(blobs=request.has("blobs"))
    return Response.from_json(select(info, request.query.get("expand", [])))


def select(fields: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """Return the named fields and the ids; without names, all fields."""
    if not names:
        return {name: value for name, value in fields.items() if name != "evalResults"}
    return {name: value for name, value in fields.items() if name in {"_id", "id", *names}}


def find_repo(request: Request) -> Repository:
    """Return the repository in the path, if the caller may see it."""
    return request.hub.find(request.groups["repo"], request.caller)


def require_write(request: Request, repo: Repository) -> None:
    """Refuse a caller who may not change the repository."""
    request.caller.require_token()
    if not request.caller.may_write(repo):
        raise Refusal(403, "Forbidden: you must use a write token of an account that may write this repository")


def require_download(request: Request, repo: Repository) -> None:
    """Refuse a caller without access to a gated repository."""
    if request.caller.may_download(repo):
        return
    page = request.hub.build_address(repo)
    if request.caller.name is None:
        raise Refusal(401, f"Access to {repo.kind} {repo.id} is restricted. You must be authenticated.", "GatedRepo")
    raise Refusal(
        403,
        f"Access to {repo.kind} {repo.id} is restricted and you are not in the authorized list. "
        f"Visit {page} to ask for access.",
        "GatedRepo",
    )
