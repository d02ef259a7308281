"""Push files to a repository in one commit, as often as need be: what is there already is not pushed again."""

import hashlib
import io
import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, hf_hub_download
from huggingface_hub.errors import RevisionNotFoundError
from huggingface_hub.hf_api import RepoFile

from hf_newscls.errors import PublishError
from hf_newscls.hub.preflight import Target
from hf_newscls.hub.retry import call_hub

__all__ = ["CARD_FILE", "Content", "Head", "PushOptions", "Pushed", "push_files"]

CARD_FILE = "README.md"
"""Where the Hub looks for a card."""

Content = Path | bytes
"""A file's content, or where it lies."""

_Operation = CommitOperationAdd | CommitOperationDelete
_BLOCK_BYTES = 1 << 20

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Head:
    """What stands on a branch before a push.

    Attributes:
        commit: the newest.
        files: by path, SHA-256 of what is kept in LFS and SHA-1, as git has it, of the rest.
        card: what README.md says, empty where there is none.
    """

    commit: str
    files: Mapping[str, str]
    card: str


@dataclass(frozen=True)
class PushOptions:
    """How files are pushed.

    Attributes:
        message: of the commit, and the title of a pull request.
        revision: branch that takes the commit; it is made where it is not there.
        as_pull_request: propose the commit, so that somebody else decides.
        tag: name that the commit gets besides.
        owned: patterns of paths that belong to the push: such files, where they are no longer pushed, go.
        command: that repeats the push, for messages.
    """

    message: str
    revision: str = "main"
    as_pull_request: bool = False
    tag: str | None = None
    owned: Sequence[str] = ()
    command: str = "hf-newscls publish"


@dataclass(frozen=True)
class Pushed:
    """What came of a push.

    Attributes:
        url: of the commit, or of the pull request.
        commit: its SHA-1.
        is_new: whether there was anything to push.
    """

    url: str
    commit: str
    is_new: bool


def push_files(build: Callable[[Head], Mapping[str, Content]], target: Target, options: PushOptions) -> Pushed:
    """Push files in one commit on top of the branch as it was read, and none where nothing changed.

    The commit names its parent, so the Hub refuses it where somebody committed meanwhile; then all is read and built
    again. A commit that landed although its answer was lost is found in the next attempt.

    Args:
        build: returns the files by path in the repository, given what stands there; for a pull request it is asked
            twice, of the branch and of the request.
        target: the repository; it is created where it is not there.
        options: how.

    Raises:
        PublishError: the Hub refused, or could not be reached; nothing, or all, was pushed.
    """

    def push() -> Pushed:
        """Push what differs from the head of the branch, if anything does."""
        head = _open_branch(target, options.revision)
        change = _find_change(build(head), head, owned=options.owned)
        is_tagged = options.tag is not None and _is_tagged(target, options.tag, head, is_changed=bool(change))
        if not change:
            pushed = Pushed(_name_commit(target, head.commit), head.commit, is_new=False)
        elif options.as_pull_request:
            pushed = _propose(build, target, options)
        else:
            pushed = _commit(change, head, target, message=options.message, revision=options.revision)
        if options.tag is not None and not is_tagged:
            HfApi().create_tag(
                target.repo_id, tag=options.tag, revision=pushed.commit, repo_type=target.repo_type, exist_ok=True
            )
        return pushed

    remedy = f"repeat `{options.command}` later"
    pushed = call_hub(push, what=f"take the push to {target.repo_id}", remedy=remedy)
    way = "proposed to" if options.as_pull_request else "pushed to"
    logger.info("%s %s: %s", way if pushed.is_new else "nothing new for", target.repo_id, pushed.commit)
    return pushed


def _open_branch(target: Target, revision: str) -> Head:
    """Read the branch; make it, and the repository, where they are not there."""
    api = HfApi()
    if not target.exists:
        api.create_repo(target.repo_id, repo_type=target.repo_type, private=target.is_private, exist_ok=True)
    try:
        return _read_head(target, revision)
    except RevisionNotFoundError:
        api.create_branch(target.repo_id, branch=revision, repo_type=target.repo_type, exist_ok=True)
        return _read_head(target, revision)


def _read_head(target: Target, revision: str) -> Head:
    api, kind = HfApi(), target.repo_type
    commit = str(api.repo_info(target.repo_id, repo_type=kind, revision=revision).sha)
    tree = api.list_repo_tree(target.repo_id, repo_type=kind, revision=commit, recursive=True)
    files = {one.path: one.lfs.sha256 if one.lfs else one.blob_id for one in tree if isinstance(one, RepoFile)}
    return Head(commit, files, _read_card(target, commit) if CARD_FILE in files else "")


def _read_card(target: Target, commit: str) -> str:
    path = hf_hub_download(target.repo_id, CARD_FILE, repo_type=target.repo_type, revision=commit)
    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise PublishError(
            f"{target.repo_id}: {CARD_FILE} must be UTF-8, got {error}; mend it on the Hub, or remove it"
        ) from error


def _find_change(files: Mapping[str, Content], head: Head, *, owned: Sequence[str]) -> list[_Operation]:
    """Return what has to be done to the branch; files of an earlier version that are pushed no more are removed."""
    changed = [path for path, content in files.items() if head.files.get(path) not in _hash_content(content)]
    stale = [path for path in head.files.keys() - files.keys() if any(_matches(path, pattern) for pattern in owned)]
    if stale:
        logger.info("removing what belongs to an earlier version: %s", ", ".join(sorted(stale)))
    return [
        *(CommitOperationAdd(path, files[path]) for path in sorted(changed)),
        *(CommitOperationDelete(path) for path in sorted(stale)),
    ]


def _matches(path: str, pattern: str) -> bool:
    """Return whether a pattern names a path; unlike in fnmatch, `*` does not go into folders."""
    return path.count("/") == pattern.count("/") and fnmatch(path, pattern)


def _hash_content(content: Content) -> tuple[str, str]:
    """Return a content's names on the Hub: SHA-256 where it is kept in LFS, else SHA-1 as git has it."""
    size = len(content) if isinstance(content, bytes) else content.stat().st_size
    digests = (hashlib.sha256(), hashlib.sha1(b"blob %d\0" % size))
    with io.BytesIO(content) if isinstance(content, bytes) else content.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            for digest in digests:
                digest.update(block)
    return digests[0].hexdigest(), digests[1].hexdigest()


def _commit(change: Sequence[_Operation], head: Head, target: Target, *, message: str, revision: str) -> Pushed:
    with warnings.catch_warnings():
        # The predictions are Parquet, and they do belong to the model.
        warnings.filterwarnings("ignore", message="It seems that you are about to commit a data file")
        info = HfApi().create_commit(
            target.repo_id,
            change,
            commit_message=message,
            repo_type=target.repo_type,
            revision=revision,
            parent_commit=head.commit,
        )
    return Pushed(str(info.commit_url), info.oid, is_new=True)


def _propose(build: Callable[[Head], Mapping[str, Content]], target: Target, options: PushOptions) -> Pushed:
    """Commit to a pull request: to an open one of the same title that we made, else to a new one.

    It is made first and filled then, so that a request whose answer was lost is found again, not made twice. It is
    a draft until it has been filled, perhaps by an attempt before this one.
    """
    api = HfApi()
    found = api.get_repo_discussions(
        target.repo_id, repo_type=target.repo_type, author=api.whoami()["name"], discussion_type="pull_request"
    )
    request = next(
        (one for one in found if one.title == options.message and one.status in {"open", "draft"}), None
    ) or api.create_pull_request(target.repo_id, title=options.message, repo_type=target.repo_type)
    revision = f"refs/pr/{request.num}"
    head = _read_head(target, revision)
    change = _find_change(build(head), head, owned=options.owned)
    pushed = (
        _commit(change, head, target, message=options.message, revision=revision)
        if change
        else Pushed(request.url, head.commit, is_new=False)
    )
    if request.status == "draft":
        api.change_discussion_status(target.repo_id, request.num, new_status="open", repo_type=target.repo_type)
    return replace(pushed, url=request.url)


def _name_commit(target: Target, commit: str) -> str:
    kind = "" if target.repo_type == "model" else f"{target.repo_type}s/"
    return f"{HfApi().endpoint}/{kind}{target.repo_id}/commit/{commit}"


def _is_tagged(target: Target, tag: str, head: Head, *, is_changed: bool) -> bool:
    """Return whether the branch's newest commit bears the tag; one that names another stays, and is an error.

    It is found before anything is committed: a new commit cannot take a tag that is there.
    """
    refs = HfApi().list_repo_refs(target.repo_id, repo_type=target.repo_type)
    found = next((one.target_commit for one in refs.tags if one.name == tag), None)
    if found is not None and (is_changed or found != head.commit):
        must = "be new, for the model has changed" if is_changed else f"be new or name commit {head.commit}"
        raise PublishError(
            f"{target.repo_id}: the tag {tag!r} must {must}, found it at {found}; choose another tag, or remove that "
            "one on the Hub"
        )
    return found is not None
