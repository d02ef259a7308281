"""Routes for lists of repositories and for the leaderboard of a dataset."""

import re
from typing import Any

from tests.hub_server.cards import Description
from tests.hub_server.hub import Hub
from tests.hub_server.messages import Refusal, Request, Response
from tests.hub_server.paging import build_page
from tests.hub_server.repo_routes import find_repo, select

# The fields of a list by default.
_BRIEF = ("modelId", "private", "likes", "downloads", "tags", "pipeline_tag", "library_name", "createdAt")
_FULL = (*_BRIEF, "author", "sha", "lastModified", "gated", "disabled", "siblings")
_SORTS = {"createdAt", "lastModified", "downloads", "likes", "trendingScore"}


def list_repositories(request: Request) -> Response:
    """Answer GET /api/models, datasets and spaces: what the caller may see and all filters match."""
    kind = request.groups["kind"].removesuffix("s")
    repos = [repo for repo in request.hub.repos.values() if repo.kind == kind and request.caller.may_read(repo)]
    described = [Description(repo, repo.head).to_json() for repo in repos]
    found = [one for one in described if _is_wanted(request, one)]
    sort = request.find("sort", "trendingScore")
    if sort not in _SORTS:
        raise Refusal(400, f'"sort" must be one of [{", ".join(sorted(_SORTS))}]')
    # Ties: the newest first.
    found.sort(key=lambda one: (one.get(sort, 0), one["lastModified"]), reverse=True)
    limit = int(request.find("limit", "0")) or None
    return build_page(request, [_shorten(request, one) for one in found], limit=limit)


def _is_wanted(request: Request, one: dict[str, Any]) -> bool:
    has_tags = {*request.query.get("filter", [])} <= {*one["tags"]}
    has_words = all(word.lower() in one["id"].lower() for word in request.query.get("search", []))
    is_authors = request.find("author") in {"", one["author"]}
    has_task = request.find("pipeline_tag") in {"", one.get("pipeline_tag")}
    is_gated = request.find("gated") == "" or request.has("gated") == bool(one["gated"])
    return has_tags and has_words and is_authors and has_task and is_gated


def _shorten(request: Request, one: dict[str, Any]) -> dict[str, Any]:
    if expand := request.query.get("expand"):
        return select(one, expand)
    names = [*(_FULL if request.has("full") else _BRIEF)]
    # `full` includes the cards of datasets, but not of models.
    if request.has("cardData") or (request.has("full") and "modelId" not in one):
        names.append("cardData")
    if request.has("config"):
        names.append("config")
    return select(one, names)


def read_leaderboard(request: Request) -> Response:
    """Answer GET /api/datasets/{id}/leaderboard: without `base_model=false`, only models without a base model."""
    repo = find_repo(request)
    entries = request.hub.leaderboards.get(repo.id)
    if entries is None:
        raise Refusal(404, f"Dataset {repo.id} has no leaderboard")
    entries = sorted(entries, key=lambda entry: entry["value"], reverse=True)
    if request.find("base_model", "true").lower() != "false":
        entries = [entry for entry in entries if not _has_base(request.hub, entry["modelId"])]
    return Response.from_json([_fill_in(entry, rank) for rank, entry in enumerate(entries, start=1)])


def _has_base(hub: Hub, model: str) -> bool:
    repo = hub.repos.get(model)
    return repo is not None and bool(Description(repo, repo.head).card.get("base_model"))


def _fill_in(entry: dict[str, Any], rank: int) -> dict[str, Any]:
    owner = entry["modelId"].partition("/")[0]
    return {
        "rank": rank,
        "filename": f".eval_results/{re.sub(r'[^a-z0-9]+', '_', entry['modelId'].lower())}.yaml",
        "verified": False,
        "source": None,
        "author": {"type": "user", "name": owner, "fullname": owner.title(), "avatarUrl": ""},
        **entry,
    }
