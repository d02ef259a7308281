"""Repositories of the Hub: a git repository, large files, and settings."""

import fnmatch
import hashlib
import re
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.hub_server.git import Commit, GitRepository

KINDS = {"model": "", "dataset": "datasets/", "space": "spaces/"}
_SUFFIXES = "bin gz h5 msgpack npy npz onnx parquet pickle pkl pt pth safetensors tar tflite zip zst"
GITATTRIBUTES = "".join(f"*.{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in _SUFFIXES.split()).encode()
_LARGE = 10 * 2**20  # bytes; larger files go to LFS
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize (\d+)\n", flags=re.ASCII
)
_POINTER_LENGTH = 200  # bytes; no pointer is longer


class StoredFile(NamedTuple):
    """A file of a commit with the size of its content; only large files have `sha256` and `pointer_size`."""

    path: str
    blob_id: str
    size: int
    sha256: str | None
    pointer_size: int


class Clock:
    """A clock that starts in 2026 and advances by one second with each call."""

    def __init__(self) -> None:
        self._seconds = 1_767_225_600
        self._lock = threading.Lock()

    def tick(self) -> int:
        """Return the next second."""
        with self._lock:
            self._seconds += 1
            return self._seconds


class LargeFiles:
    """Contents by SHA-256, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True)

    def read_all(self) -> dict[str, bytes]:
        """Return all contents."""
        return {path.name: path.read_bytes() for path in self._folder.iterdir() if path.suffix != ".part"}

    def read(self, oid: str) -> bytes:
        """Return one content."""
        return (self._folder / oid).read_bytes()

    def write(self, content: bytes) -> str:
        """Store a content, and return its SHA-256."""
        oid = hashlib.sha256(content).hexdigest()
        part = self._folder / f"{oid}.{threading.get_ident()}.part"
        part.write_bytes(content)
        part.rename(self._folder / oid)
        return oid


class Repository:
    """A repository.

    Attributes:
        key: owner/name, for a dataset or space with `datasets/` or `spaces/` in front.
        large: sizes of the large files by SHA-256.
        admitted: users with access to a gated repository.
        discussions: with pull requests, in the order of their numbers.
    """

    def __init__(self, key: str, git: GitRepository, *, store: LargeFiles, clock: Clock, private: bool) -> None:
        self.key, self.private, self.gated = key, private, False
        self.kind = {"datasets/": "dataset", "spaces/": "space"}.get(key[: key.index("/") + 1], "model")
        self.id = key.removeprefix(KINDS[self.kind])
        self.owner = self.id.partition("/")[0]
        self.git = git
        self.store, self.clock = store, clock
        self.created_at = clock.tick()
        self.large: dict[str, int] = {}
        self.admitted: set[str] = set()
        self.discussions: list[Any] = []
        self.lock = threading.Lock()
        self._first = self.head

    def begin_with(self, files: Mapping[str, bytes]) -> None:
        """Replace the Hub's first commit by one that also has these files."""
        first = self.head
        added = dict(zip(files, self.git.write_blobs([*files.values()]), strict=True))
        blobs = self.list_blobs(first) | added
        self._first = self.store_commit(blobs, parents=[], message="initial commit", author="system")
        self.git.move_ref("refs/heads/main", self._first, first)

    @property
    def head(self) -> str:
        """Return the newest commit of the main branch."""
        return self.git.read_refs()["refs/heads/main"]

    @property
    def commits(self) -> list[tuple[str, list[str]]]:
        """Return title and changed files of each commit on main, the oldest first, without the Hub's first commit."""
        log = [commit for commit in reversed(self.git.read_log(self.head)) if commit.oid != self._first]
        return [(commit.title, self.find_changes(commit)) for commit in log]

    @property
    def files(self) -> dict[str, bytes]:
        """Return the contents on main, without the Hub's own .gitattributes."""
        files = self.read_files("main")
        return {
            path: content for path, content in files.items() if (path, content) != (".gitattributes", GITATTRIBUTES)
        }

    def read_files(self, revision: str) -> dict[str, bytes]:
        """Return the contents at a revision."""
        return {file.path: self.read_content(file) for file in self.list_files(self.git.find_commit(revision) or "")}

    def find_changes(self, commit: Commit) -> list[str]:
        """Return the paths that a commit added, changed or deleted."""
        before = self.list_blobs(commit.parent) if commit.parent else {}
        after = self.list_blobs(commit.oid)
        return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))

    def list_blobs(self, commit: str) -> dict[str, str]:
        """Return the object id of each file."""
        return {entry.path: entry.oid for entry in self.git.read_tree(commit) if entry.kind == "blob"}

    def list_files(self, commit: str) -> list[StoredFile]:
        """Return the files of a commit, by path."""
        entries = [entry for entry in self.git.read_tree(commit) if entry.kind == "blob"]
        small = self.git.read_blobs(entry.oid for entry in entries if entry.size <= _POINTER_LENGTH)
        files = []
        for path, _, oid, size in entries:
            match = _POINTER.fullmatch(small.get(oid, b""))
            sha256, real = (match[1].decode(), int(match[2])) if match else (None, size)
            files.append(StoredFile(path, oid, real, sha256, size if match else 0))
        return files

    def read_content(self, file: StoredFile) -> bytes:
        """Return the content of a small or large file."""
        return self.store.read(file.sha256) if file.sha256 else self.git.read_blobs([file.blob_id])[file.blob_id]

    def add_large(self, content: bytes) -> str:
        """Store a large file for this repository, and return its SHA-256."""
        oid = self.store.write(content)
        self.large[oid] = len(content)
        return oid

    def write(
        self,
        changes: Mapping[str, bytes | None],
        message: str,
        *,
        branch: str = "main",
        author: str = "",
    ) -> str:
        """Commit changes without HTTP, and return the commit's id.

        Args:
            changes: contents by path; None deletes a file.
            message: of the commit.
            branch: the branch to commit to.
            author: empty for the owner.
        """
        parent = self.git.read_refs().get(f"refs/heads/{branch}")
        blobs = self.list_blobs(parent) if parent else {}
        kept = {path: content for path, content in changes.items() if content is not None}
        contents = [self._store(path, content, parent) for path, content in kept.items()]
        added = dict(zip(kept, self.git.write_blobs(contents), strict=True))
        files = {path: oid for path, oid in (blobs | added).items() if changes.get(path, b"") is not None}
        new = self.store_commit(files, parents=[parent] if parent else [], message=message, author=author or self.owner)
        self.git.move_ref(f"refs/heads/{branch}", new, parent)
        return new

    def store_commit(self, files: Mapping[str, str], *, parents: Sequence[str], message: str, author: str) -> str:
        """Store a commit of exactly these files (object ids by path), and return its id; no reference is moved."""
        return self.git.write_commit(files, parents=parents, message=message, author=author, seconds=self.clock.tick())

    def _store(self, path: str, content: bytes, commit: str | None) -> bytes:
        if commit is None or not self.is_large(path, len(content), content[:512], commit):
            return content
        return build_pointer(self.add_large(content), len(content))

    def is_large(self, path: str, size: int, sample: bytes, commit: str) -> bool:
        """Return whether a file goes to LFS: by its name or size, or because it is binary."""
        if not size:
            return False
        attributes = {entry.path: entry.oid for entry in self.git.read_tree(commit)}.get(".gitattributes")
        lines = self.git.read_blobs([attributes])[attributes].decode().splitlines() if attributes else []
        patterns = [line.split()[0] for line in lines if "filter=lfs" in line]
        name = path.rpartition("/")[2]
        return size >= _LARGE or b"\0" in sample or any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def build_template(path: Path, clock: Clock) -> GitRepository:
    """Return a repository with the Hub's first commit; copying it is faster than creating one."""
    git = GitRepository(path)
    (attributes,) = git.write_blobs([GITATTRIBUTES])
    files = {".gitattributes": attributes}
    first = git.write_commit(files, parents=[], message="initial commit", author="system", seconds=clock.tick())
    git.move_ref("refs/heads/main", first, None)
    git.read_tree(first)
    return git


def build_pointer(oid: str, size: int) -> bytes:
    """Return the content that git stores for a large file."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n".encode()
