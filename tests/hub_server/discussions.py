"""Discussions and pull requests; a pull request's commits are in refs/pr/."""

from dataclasses import dataclass, field
from typing import Any

from tests.hub_server.hub import format_date
from tests.hub_server.messages import Refusal, Request, Response
from tests.hub_server.repo_routes import find_repo, require_write
from tests.hub_server.repositories import Repository

_PAGE = 10


@dataclass
class Discussion:
    """A discussion; a pull request if `base` names a branch."""

    num: int
    title: str
    author: str
    created_at: int
    base: str | None
    status: str = "open"
    merge_commit: str | None = None
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ref(self) -> str:
        """Return the full name of the reference."""
        return f"refs/pr/{self.num}"

    def add_event(self, repo: Repository, kind: str, author: str, **data: Any) -> dict[str, Any]:
        """Record an event, and return it in the Hub's form."""
        seconds = repo.clock.tick()
        event = {
            "id": f"{seconds:024x}",
            "type": kind,
            "author": {"name": author, "type": "user"},
            "createdAt": format_date(seconds),
            "data": data,
        }
        self.events.append(event)
        return event

    def add_comment(self, repo: Repository, author: str, text: str) -> dict[str, Any]:
        """Record a comment."""
        return self.add_event(repo, "comment", author, edited=False, hidden=False, latest={"raw": text})

    def describe(self, repo: Repository) -> dict[str, Any]:
        """Return the entry for a list of discussions."""
        return {
            "num": self.num,
            "title": self.title,
            "author": {"name": self.author, "type": "user"},
            "createdAt": format_date(self.created_at),
            "status": self.status,
            "isPullRequest": self.base is not None,
            "repo": {"name": repo.id, "type": repo.kind},
        }


def open_discussion(
    repo: Repository, *, title: str, description: str, author: str, base: str | None = None, commit: str | None = None
) -> Discussion:
    """Open a discussion; with a base and a commit, a pull request."""
    with repo.lock:
        opened = Discussion(len(repo.discussions) + 1, title, author, repo.clock.tick(), base)
        if commit:
            repo.git.move_ref(opened.ref, commit, None)
        repo.discussions.append(opened)
    opened.add_comment(repo, author, description)
    if commit:
        opened.add_event(repo, "commit", author, subject=title, oid=commit)
    return opened


def list_discussions(request: Request) -> Response:
    """Answer GET .../discussions, the newest first."""
    repo = find_repo(request)
    kind, status, author = (request.find(name, "all") for name in ("type", "status", "author"))
    found = [
        one
        for one in reversed(repo.discussions)
        if kind in {"all", "discussion" if one.base is None else "pull_request"}
        and status in {"all", "open" if one.status in {"open", "draft"} else "closed"}
        and author in {"all", one.author}
    ]
    start = int(request.find("p", "0")) * _PAGE
    page = [one.describe(repo) for one in found[start : start + _PAGE]]
    return Response.from_json({"discussions": page, "count": len(found), "start": start})


def read_discussion(request: Request) -> Response:
    """Answer GET .../discussions/{num}."""
    repo = find_repo(request)
    one = _find(request, repo)
    details = one.describe(repo) | {"events": one.events}
    if one.base:
        details |= {"changes": {"base": one.base}, "filesWithConflicts": _find_conflicts(repo, one), "diff": ""}
        if one.merge_commit:
            details["changes"]["mergeCommitId"] = one.merge_commit
    return Response.from_json(details)


def create_discussion(request: Request) -> Response:
    """Answer POST .../discussions; a new pull request is a draft without commits."""
    repo = find_repo(request)
    _require_proposal(request, repo)
    asked = request.read_json()
    base, commit = ("refs/heads/main", repo.head) if asked.get("pullRequest") else (None, None)
    opened = open_discussion(
        repo, title=asked["title"], description=asked["description"], author=request.caller.name or "", base=base
    )
    if commit:
        opened.status = "draft"
        repo.git.move_ref(opened.ref, commit, None)
    return Response.from_json({"num": opened.num, "pullRequest": base is not None})


def comment(request: Request) -> Response:
    """Answer POST .../discussions/{num}/comment."""
    repo = find_repo(request)
    _require_proposal(request, repo)
    event = _find(request, repo).add_comment(repo, request.caller.name or "", request.read_json()["comment"])
    return Response.from_json({"newMessage": event})


def change_status(request: Request) -> Response:
    """Answer POST .../discussions/{num}/status: its author, and those who may write, open and close it."""
    repo = find_repo(request)
    one = _find(request, repo)
    if request.caller.name != one.author:
        require_write(request, repo)
    _require_proposal(request, repo)
    one.status = request.read_json()["status"]
    event = one.add_event(repo, "status-change", request.caller.name or "", status=one.status)
    return Response.from_json({"newStatus": event})


def merge(request: Request) -> Response:
    """Answer POST .../discussions/{num}/merge: put the pull request's changes on its base in one commit."""
    repo = find_repo(request)
    require_write(request, repo)
    one = _find(request, repo)
    if one.base is None or one.status not in {"open", "draft"}:
        raise Refusal(400, "Only an open pull request can be merged")
    if conflicts := _find_conflicts(repo, one):
        raise Refusal(409, f"This branch has conflicts that must be resolved: {', '.join(conflicts)}")
    refs = repo.git.read_refs()
    head, changes = refs[one.base], _find_changes(repo, one)
    merged = repo.list_blobs(head) | changes
    files = {path: oid for path, oid in merged.items() if oid}
    author = request.caller.name or ""
    new = repo.store_commit(files, parents=[head, refs[one.ref]], message=f"{one.title} (#{one.num})", author=author)
    if not repo.git.move_ref(one.base, new, head):
        raise Refusal(412, "A commit has happened since. Please refresh and try again.")
    one.status, one.merge_commit = "merged", new
    one.add_event(repo, "status-change", author, status="merged")
    return Response.from_json({})


def _find(request: Request, repo: Repository) -> Discussion:
    num = int(request.groups["num"])
    if not 0 < num <= len(repo.discussions):
        raise Refusal(404, f"Discussion not found: {num}")
    found: Discussion = repo.discussions[num - 1]
    return found


def _require_proposal(request: Request, repo: Repository) -> None:
    request.caller.require_token()
    if not request.caller.may_propose(repo):
        raise Refusal(403, "Forbidden: you must use a write token to take part in discussions")


def _find_changes(repo: Repository, one: Discussion) -> dict[str, str]:
    """Return a pull request's changes: object ids by path, empty for deleted files."""
    refs = repo.git.read_refs()
    before = repo.list_blobs(repo.git.find_base(refs[one.base or ""], refs[one.ref]))
    after = repo.list_blobs(refs[one.ref])
    return {path: after.get(path, "") for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def _find_conflicts(repo: Repository, one: Discussion) -> list[str]:
    refs = repo.git.read_refs()
    before = repo.list_blobs(repo.git.find_base(refs[one.base or ""], refs[one.ref]))
    now = repo.list_blobs(refs[one.base or ""])
    changes = _find_changes(repo, one)
    return sorted(path for path, oid in changes.items() if now.get(path) not in {before.get(path), oid or None})
