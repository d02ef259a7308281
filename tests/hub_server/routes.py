"""The table of routes; its patterns match the path before it is unquoted."""

import re
from collections.abc import Callable
from urllib.parse import unquote

from tests.hub_server import (
    buckets,
    commit_routes,
    content_routes,
    discussions,
    job_routes,
    listing,
    repo_routes,
    validation,
)
from tests.hub_server.messages import Refusal, Request, Response

Respond = Callable[[Request], Response]

_API = r"/api/(?:models/|(?=datasets/|spaces/))(?P<repo>(?:datasets/|spaces/)?[^/]+/[^/]+)"
_BUCKET = "/buckets/(?P<bucket>[^/]+/[^/]+)"
_JOBS = "/api/jobs/(?P<account>[^/]+)"
_JOB = f"{_JOBS}/(?P<job>[^/]+)"
_PAGE = r"/(?P<repo>(?:datasets/|spaces/)?[^/]+/[^/]+)"
_REVISION = r"(?P<revision>[^/]+)"
_PATH = r"(?P<path>.+)"
_ROUTES: tuple[tuple[str, str, Respond], ...] = (
    ("GET", "/api/whoami-v2", repo_routes.whoami),
    ("POST", "/api/validate-yaml", validation.validate_yaml),
    ("POST", "/api/repos/create", repo_routes.create),
    ("DELETE", "/api/repos/delete", repo_routes.delete),
    ("GET", "/api/(?P<kind>models|datasets|spaces)", listing.list_repositories),
    ("GET", _API, repo_routes.read_info),
    ("GET", f"{_API}/revision/{_REVISION}", repo_routes.read_info),
    ("PUT", f"{_API}/settings", repo_routes.change_settings),
    ("GET", f"{_API}/auth-check(?P<write>/write)?", repo_routes.check_access),
    ("GET", f"{_API}/leaderboard", listing.read_leaderboard),
    ("GET", f"{_API}/tree/{_REVISION}(?:/{_PATH})?", content_routes.list_tree),
    ("POST", f"{_API}/paths-info/{_REVISION}", content_routes.list_paths),
    ("GET", f"{_API}/refs", content_routes.list_refs),
    ("GET", f"{_API}/commits/{_REVISION}", content_routes.list_commits),
    ("POST", f"{_API}/branch/{_REVISION}", content_routes.create_branch),
    ("DELETE", f"{_API}/branch/{_REVISION}", content_routes.delete_branch),
    ("POST", f"{_API}/tag/{_REVISION}", content_routes.create_tag),
    ("DELETE", f"{_API}/tag/{_REVISION}", content_routes.delete_tag),
    ("POST", f"{_API}/preupload/{_REVISION}", commit_routes.preupload),
    ("POST", f"{_API}/commit/{_REVISION}", commit_routes.commit),
    ("GET", f"{_API}/discussions", discussions.list_discussions),
    ("POST", f"{_API}/discussions", discussions.create_discussion),
    ("GET", rf"{_API}/discussions/(?P<num>\d+)", discussions.read_discussion),
    ("POST", rf"{_API}/discussions/(?P<num>\d+)/comment", discussions.comment),
    ("POST", rf"{_API}/discussions/(?P<num>\d+)/status", discussions.change_status),
    ("POST", rf"{_API}/discussions/(?P<num>\d+)/merge", discussions.merge),
    ("POST", rf"{_PAGE}\.git/info/lfs/objects/batch", commit_routes.offer_uploads),
    ("PUT", "/lfs/(?P<oid>[0-9a-f]{64})", commit_routes.receive_upload),
    ("POST", f"/api{_BUCKET}", buckets.create),
    ("GET", f"/api{_BUCKET}", buckets.read_info),
    ("GET", f"/api{_BUCKET}/tree(?:/(?P<prefix>.+))?", buckets.list_tree),
    ("POST", f"/api{_BUCKET}/paths-info", buckets.list_paths),
    ("POST", f"/api{_BUCKET}/batch", buckets.change),
    ("GET", f"/api{_BUCKET}/xet-(?P<kind>read|write)-token", buckets.give_token),
    ("HEAD", f"{_BUCKET}/resolve/{_PATH}", buckets.resolve),
    ("GET", "/api/jobs/hardware", job_routes.list_hardware),
    ("GET", _JOBS, job_routes.list_jobs),
    ("POST", _JOBS, job_routes.start),
    ("GET", _JOB, job_routes.read),
    ("GET", f"{_JOB}/logs", job_routes.read_log),
    ("POST", f"{_JOB}/cancel", job_routes.cancel),
    ("POST", "/lfs-verify", commit_routes.verify_upload),
    ("HEAD", f"{_PAGE}/resolve/{_REVISION}/{_PATH}", content_routes.resolve),
    ("GET", f"{_PAGE}/resolve/{_REVISION}/{_PATH}", content_routes.resolve),
)


def find_route(method: str, path: str) -> tuple[Respond, dict[str, str]]:
    """Return the function that answers a request, and the named parts of its path, unquoted.

    Raises:
        Refusal: there is no such route.
    """
    for wanted, pattern, respond in _ROUTES:
        if wanted == method and (match := re.fullmatch(pattern, path)):
            return respond, {name: unquote(part) for name, part in match.groupdict().items() if part}
    # Names without an owner belong to the Hub itself, which has no repositories here.
    is_repo = re.fullmatch("(/api/(models|datasets|spaces))?/[^/]+(/(resolve|revision|tree)/.+)?", path)
    code = "RepoNotFound" if is_repo else ""
    raise Refusal(404, f"Sorry, we can't find the page you are looking for: {unquote(path)}", code)
