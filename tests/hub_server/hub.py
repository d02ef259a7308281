"""The state of the Hub: its repositories, leaderboards and settings."""

import shutil
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from tests.hub_server.accounts import Caller
from tests.hub_server.buckets import Buckets
from tests.hub_server.git import GitRepository
from tests.hub_server.jobs import Jobs
from tests.hub_server.messages import Refusal
from tests.hub_server.repositories import Clock, LargeFiles, Repository, build_template


class Repositories(Mapping[str, Repository]):
    """Repositories by key: owner/name, for datasets datasets/owner/name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._found: dict[str, Repository] = {}
        self._lock = threading.Lock()
        self._count = 0
        self._template: GitRepository | None = None
        self._clock = Clock()
        self.large_files = LargeFiles(folder / "large")

    def __getitem__(self, key: str) -> Repository:
        return self._found[key]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._found))

    def __len__(self) -> int:
        return len(self._found)

    def create(self, key: str, *, private: bool) -> Repository | None:
        """Create a repository with the Hub's first commit; None if it exists already."""
        with self._lock:
            if key in self._found:
                return None
            if self._template is None:
                self._template = build_template(self._folder / "template", self._clock)
            # A repository that is created again must not find the files of the deleted one.
            self._count += 1
            git = GitRepository(self._folder / "git" / str(self._count), template=self._template)
            made = Repository(key, git, store=self.large_files, clock=self._clock, private=private)
            self._found[key] = made
            return made

    def delete(self, key: str) -> None:
        """Delete a repository."""
        with self._lock:
            repo = self._found.pop(key)
        shutil.rmtree(repo.git.path, ignore_errors=True)


class Hub:
    """The Hub without HTTP.

    Attributes:
        repos: the repositories.
        buckets: the buckets.
        jobs: the jobs; tests set what happens to them.
        leaderboards: entries by dataset, in the Hub's form; missing fields get defaults.
        page_size: how many repositories, files or commits are on one page.
        lfs_verify: whether the client must verify uploads of large files.
    """

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.repos = Repositories(folder)
        self.endpoint = endpoint
        self.buckets = Buckets(folder / "buckets")
        self.jobs = Jobs(folder / "jobs", self.buckets, endpoint)
        self.leaderboards: dict[str, list[dict[str, Any]]] = {}
        self.page_size = 1000
        self.lfs_verify = False

    def find(self, key: str, caller: Caller) -> Repository:
        """Return a repository that the caller may see.

        Raises:
            Refusal: it does not exist, or is private.
        """
        found = self.repos.get(key)
        if found is not None and caller.may_read(found):
            return found
        if caller.name is None:
            raise Refusal(401, "Invalid username or password.", "RepoNotFound")
        raise Refusal(404, "Repository not found", "RepoNotFound")

    def find_commit(self, repo: Repository, revision: str) -> str:
        """Return the commit of a revision.

        Raises:
            Refusal: there is no such revision.
        """
        commit = repo.git.find_commit(revision)
        if commit is None:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return commit

    def build_address(self, repo: Repository, *parts: str) -> str:
        """Return the URL of a page of a repository."""
        return "/".join([self.endpoint, repo.key, *parts])


def format_date(seconds: int) -> str:
    """Format seconds in the Hub's form."""
    return datetime.fromtimestamp(seconds, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
