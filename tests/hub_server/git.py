"""Bare git repositories: write and read trees and commits, and move references if they have not moved.

The user's git settings are not read, and the caller dates every commit, so that the same requests in the same order
give the same commit ids.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

_NOTHING = "0" * 40
_CACHED_BYTES = 100_000  # a larger file is read from git each time


class GitError(Exception):
    """A git command failed."""


class Entry(NamedTuple):
    """A file or folder of a commit; the size of a folder is 0."""

    path: str
    kind: str
    oid: str
    size: int


class Commit(NamedTuple):
    """A commit, with its date in seconds and its first parent."""

    oid: str
    parent: str | None
    author: str
    seconds: int
    title: str
    message: str


class GitRepository:
    """A bare repository in a folder; trees and small files, which never change, are cached in memory.

    Args:
        path: of the new folder.
        template: a repository to copy; None for an empty one.
    """

    def __init__(self, path: Path, *, template: "GitRepository | None" = None) -> None:
        self.path = path
        self._trees: dict[str, tuple[Entry, ...]] = {}
        self._commits: dict[str, Commit] = {}
        self._contents: dict[str, bytes] = {}
        if template:
            shutil.copytree(template.path, path)
            self._trees |= template._trees
            return
        path.mkdir(parents=True)
        self._run("init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(path))

    def read_refs(self) -> dict[str, str]:
        """Return the commit of each full name, such as refs/heads/main."""
        lines = self._run("for-each-ref", "--format=%(refname) %(objectname) %(*objectname)").decode().splitlines()
        parts = [line.split(" ") for line in lines]
        return {name: peeled or oid for name, oid, peeled in parts}

    def find_commit(self, revision: str) -> str | None:
        """Return the commit of a branch, a tag, a full reference name or a full commit id."""
        refs = self.read_refs()
        for name in (f"refs/heads/{revision}", f"refs/tags/{revision}", revision):
            if name in refs:
                return refs[name]
        is_full_id = len(revision) == len(_NOTHING) and set(revision) <= set("0123456789abcdef")
        return revision if is_full_id and (revision in self._commits or self._has_commit(revision)) else None

    def _has_commit(self, oid: str) -> bool:
        answer = self._run("cat-file", "--batch-check", stdin=f"{oid}\n".encode())
        return answer.split(b" ")[1] == b"commit"

    def read_tree(self, commit: str) -> tuple[Entry, ...]:
        """Return all files and folders of a commit, by path."""
        if commit not in self._trees:
            output = self._run("ls-tree", "-r", "-t", "-l", "-z", commit).decode()
            self._trees[commit] = tuple(_parse_entry(line) for line in output.split("\0") if line)
        return self._trees[commit]

    def read_blobs(self, oids: Iterable[str]) -> dict[str, bytes]:
        """Return the contents of files by object id; one git process reads them all."""
        wanted = list(dict.fromkeys(oids))
        missing = [oid for oid in wanted if oid not in self._contents]
        contents = _split_batch(self._run("cat-file", "--batch", stdin=_to_lines(missing))) if missing else {}
        self._contents.update({oid: content for oid, content in contents.items() if len(content) <= _CACHED_BYTES})
        return {oid: contents[oid] if oid in contents else self._contents[oid] for oid in wanted}

    def write_blobs(self, contents: Sequence[bytes]) -> list[str]:
        """Store contents with one git process, and return their object ids in the same order."""
        if not contents:
            return []
        with tempfile.TemporaryDirectory(dir=self.path) as folder:
            paths = [str(Path(folder) / str(index)) for index in range(len(contents))]
            for path, content in zip(paths, contents, strict=True):
                Path(path).write_bytes(content)
            return (
                self._run("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=_to_lines(paths)).decode().split()
            )

    def write_commit(
        self, files: Mapping[str, str], *, parents: Sequence[str], message: str, author: str, seconds: int
    ) -> str:
        """Store a commit of exactly these files (object ids by path), and return its id; no reference is moved."""
        with tempfile.TemporaryDirectory(dir=self.path) as folder:
            index: dict[str, Any] = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            lines = "".join(f"100644 {oid}\t{path}\0" for path, oid in files.items())
            self._run("update-index", "-z", "--add", "--index-info", stdin=lines.encode(), **index)
            tree = self._run("write-tree", **index).decode().strip()
        people: dict[str, Any] = {
            f"GIT_{role}_{part}": value
            for role in ("AUTHOR", "COMMITTER")
            for part, value in (("NAME", author), ("EMAIL", f"{author}@example.com"), ("DATE", f"{seconds} +0000"))
        }
        options = [option for parent in parents for option in ("-p", parent)]
        return self._run("commit-tree", tree, *options, stdin=message.encode(), **people).decode().strip()

    def move_ref(self, name: str, new: str | None, old: str | None) -> bool:
        """Move a reference, by its full name, from `old` to `new`; None means that it does not exist.

        Returns:
            False if the reference was not at `old`; of several concurrent calls, one gets True.
        """
        command = f"update {name} {new} {old or _NOTHING}\n" if new else f"delete {name} {old}\n"
        try:
            self._run("update-ref", "--stdin", stdin=command.encode())
        except GitError:
            return False
        return True

    def read_log(self, commit: str) -> list[Commit]:
        """Return a commit and its ancestors, the newest first."""
        # %x1e and %x1f are separators that occur in no message.
        output = self._run("log", "--first-parent", "--format=%H%x1f%P%x1f%an%x1f%at%x1f%s%x1f%b%x1e", commit).decode()
        commits = [_parse_commit(record.lstrip("\n")) for record in output.split("\x1e") if record.strip()]
        self._commits.update({found.oid: found for found in commits})
        return commits

    def find_base(self, one: str, other: str) -> str:
        """Return the newest common ancestor."""
        return self._run("merge-base", one, other).decode().strip()

    def _run(self, *arguments: str, stdin: bytes = b"", **environment: str) -> bytes:
        fixed = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.path),
            "LC_ALL": "C",
            "GIT_DIR": str(self.path),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        ended = subprocess.run(
            ["git", *arguments], input=stdin, capture_output=True, env=fixed | environment, check=False
        )
        if ended.returncode:
            raise GitError(f"git {arguments[0]}: {ended.stderr.decode().strip()}")
        return ended.stdout


def _to_lines(words: Iterable[str]) -> bytes:
    return "".join(f"{word}\n" for word in words).encode()


def _parse_entry(line: str) -> Entry:
    facts, path = line.split("\t", 1)
    _, kind, oid, size = facts.split()
    return Entry(path, kind, oid, 0 if size == "-" else int(size))


def _parse_commit(record: str) -> Commit:
    oid, parents, author, seconds, title, message = record.split("\x1f")
    return Commit(oid, parents.split(" ")[0] or None, author, int(seconds), title, message.strip())


def _split_batch(output: bytes) -> dict[str, bytes]:
    """Parse the output of `cat-file --batch`: a line of id, type and size, the content, and a line break."""
    contents, position = {}, 0
    while position < len(output):
        end = output.index(b"\n", position)
        oid, _, size = output[position:end].split()
        contents[oid.decode()] = output[end + 1 : end + 1 + int(size)]
        position = end + 2 + int(size)
    return contents
