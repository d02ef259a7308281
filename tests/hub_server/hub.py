"""What the Hub holds apart from HTTP: its repositories, and what tests put there themselves."""

import shutil
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from tests.hub_server.accounts import Caller
from tests.hub_server.git import GitRepository
from tests.hub_server.messages import Refusal
from tests.hub_server.repositories import Clock, LargeFiles, Repository, build_template


class Repositories(Mapping[str, Repository]):
    """Repositories by key: owner/name, those of datasets by datasets/owner/name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._found: dict[str, Repository] = {}
        self._lock = threading.Lock()
        self._made = 0
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
        """Make a repository with the Hub's first commit; None where there is one already."""
        with self._lock:
            if key in self._found:
                return None
            if self._template is None:
                self._template = build_template(self._folder / "template", self._clock)
            # A name that comes again must not find the files of the one that went.
            self._made += 1
            git = GitRepository(self._folder / "git" / str(self._made), template=self._template)
            made = Repository(key, git, store=self.large_files, clock=self._clock, private=private)
            self._found[key] = made
            return made

    def delete(self, key: str) -> None:
        """Take a repository away."""
        with self._lock:
            gone = self._found.pop(key)
        shutil.rmtree(gone.git.path, ignore_errors=True)


class Hub:
    """The Hub without its HTTP.

    Attributes:
        repos: the repositories.
        leaderboards: entries by dataset, as the Hub answers them; what an entry lacks is filled in.
        page_size: how many repositories, files or commits one answer lists.
        lfs_verify: whether uploads of large files are to be followed by a call that verifies them.
    """

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.repos = Repositories(folder)
        self.endpoint = endpoint
        self.leaderboards: dict[str, list[dict[str, Any]]] = {}
        self.page_size = 1000
        self.lfs_verify = False

    def find(self, key: str, caller: Caller) -> Repository:
        """Return a repository that is there for the caller.

        Raises:
            Refusal: there is none, which is also what is said of a private one.
        """
        found = self.repos.get(key)
        if found is not None and caller.may_read(found):
            return found
        if caller.name is None:
            raise Refusal(401, "Invalid username or password.", "RepoNotFound")
        raise Refusal(404, "Repository not found", "RepoNotFound")

    def find_commit(self, repo: Repository, revision: str) -> str:
        """Return the commit that a revision stands for.

        Raises:
            Refusal: there is no such revision.
        """
        commit = repo.git.find_commit(revision)
        if commit is None:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return commit

    def build_address(self, repo: Repository, *parts: str) -> str:
        """Return the address of a page of a repository."""
        return "/".join([self.endpoint, repo.key, *parts])


def format_date(seconds: int) -> str:
    """Return seconds as the Hub writes dates."""
    return datetime.fromtimestamp(seconds, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
