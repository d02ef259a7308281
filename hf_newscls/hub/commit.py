"""Push files to a repository in one commit; pushing the same files again makes no commit.

A push reads the newest commit, compares, and commits on top of exactly that one. If someone else committed in between,
the Hub answers 412, and everything is read and compared again. If the response to a commit is lost, the next attempt
reads that commit and finds nothing to push.
"""

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, Discussion, HfApi, hf_hub_download
from huggingface_hub.errors import RevisionNotFoundError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils.sha import git_hash

from hf_newscls.errors import InputError, PublishError
from hf_newscls.hub.account import check_revision
from hf_newscls.hub.preflight import Target
from hf_newscls.hub.retry import call_hub, report_failures, retry

CARD_FILE = "README.md"
"""The name of a card on the Hub."""

Content = Path | bytes
"""A file's content, or its path on this machine."""

_Operation = CommitOperationAdd | CommitOperationDelete

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Head:
    """A branch at its newest commit: the files by path, and the text of README.md, empty if there is none."""

    commit: str
    files: Mapping[str, RepoFile]
    card: str


Build = Callable[[Head], Mapping[str, Content]]
"""Returns the files to push, by path in the repository, given the branch that they go on."""


@dataclass(frozen=True)
class PushOptions:
    """How files are pushed.

    Raises:
        InputError: a branch or tag has an impossible name, or goes with a pull request.
    """

    message: str  # of the commit, and the title of a pull request
    revision: str = "main"  # the branch; it is created if it does not exist
    create_pr: bool = False  # open a pull request for main, or update the open one
    tag: str | None = None  # name of the commit, as in v1.0
    delete_patterns: Sequence[str] = ()  # paths that match and are not pushed are deleted; `*` does not cross folders
    command: str = "hf-newscls publish"  # repeats the push, for messages

    def __post_init__(self) -> None:
        """Check what the fields say together."""
        check_revision(self.revision)
        if self.tag is not None:
            check_revision(self.tag)
        if self.create_pr and self.tag is not None:
            raise InputError(f"tag is {self.tag!r}, but a pull request has no tag; tag the commit after the merge")
        if self.create_pr and self.revision != "main":
            raise InputError(f"revision is {self.revision!r}, but a pull request is for main; leave one of them out")


@dataclass(frozen=True)
class Pushed:
    """The result of a push: the URL of the commit or the pull request, and whether the commit is new."""

    url: str
    commit: str
    is_new: bool
    space: "Pushed | None" = None  # the push of the model's demo


def find_head(target: Target, revision: str) -> Head | None:
    """Return a branch as it is now; None if the repository or the branch does not exist.

    Raises:
        PublishError: the Hub refused, or could not be reached.
    """
    if not target.exists:
        return None
    try:
        return call_hub(partial(_read_head, target, revision), what=f"read {target.repo_id}")
    except PublishError as error:
        if isinstance(error.__cause__, RevisionNotFoundError):
            return None
        raise


def push_files(build: Build, target: Target, options: PushOptions) -> Pushed:
    """Push files in one commit on top of the newest one, and make no commit if nothing changed.

    `build` is called for each attempt, and for a pull request also with the request's branch; its errors pass
    unchanged. The repository is created if it does not exist.

    Raises:
        PublishError: the Hub refused, or could not be reached; either all files were pushed, or none.
    """
    pushed = retry(partial(_push, build, target, options))
    action = "proposed to" if options.create_pr else "pushed to"
    logger.info("%s %s: %s", action if pushed.is_new else "nothing new for", target.repo_id, pushed.commit)
    return pushed


def _push(build: Build, target: Target, options: PushOptions) -> Pushed:
    """Push once; `build` runs outside `on_hub`, so that its errors are not reported as the Hub's."""
    remedy = f"check that the token can write, then repeat `{options.command}`"
    on_hub = partial(report_failures, f"push to {target.repo_id}", remedy=remedy)
    with on_hub():
        head = _open_branch(target, options.revision)
    changes = _find_changes(build(head), head, options.delete_patterns)
    if changes and options.create_pr:
        with on_hub():
            request = _open_request(target, options.message)
            head = _read_head(target, str(request.git_reference))
        changes = _find_changes(build(head), head, options.delete_patterns)
        with on_hub():
            return _update_request(changes, head, request, target)
    with on_hub():
        if options.tag is not None:
            _check_tag(target, options.tag, head, is_changed=bool(changes))
        pushed = _commit(changes, head, target, message=options.message, revision=options.revision)
    if options.tag is not None:
        _set_tag(target, options.tag, pushed, remedy=remedy)
    return pushed


def _open_branch(target: Target, revision: str) -> Head:
    """Read the branch; create it, and the repository, if they do not exist."""
    api, repo_type = HfApi(), target.repo_type
    if not target.exists:
        sdk = "gradio" if repo_type == "space" else None
        api.create_repo(target.repo_id, repo_type=repo_type, private=target.is_private, exist_ok=True, space_sdk=sdk)
    try:
        return _read_head(target, revision)
    except RevisionNotFoundError:
        api.create_branch(target.repo_id, branch=revision, repo_type=repo_type, exist_ok=True)
        return _read_head(target, revision)


def _read_head(target: Target, revision: str) -> Head:
    repo_id, repo_type, card = target.repo_id, target.repo_type, ""
    commit = str(HfApi().repo_info(repo_id, repo_type=repo_type, revision=revision).sha)
    tree = HfApi().list_repo_tree(repo_id, repo_type=repo_type, revision=commit, recursive=True)
    files = {one.path: one for one in tree if isinstance(one, RepoFile)}
    if CARD_FILE in files:
        path = hf_hub_download(repo_id, CARD_FILE, repo_type=repo_type, revision=commit)
        try:
            card = Path(path).read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            message = f"{repo_id}: {CARD_FILE} is not UTF-8 ({error}); fix it on the Hub, or delete it"
            raise PublishError(message) from error
    return Head(commit, files, card)


def _find_changes(files: Mapping[str, Content], head: Head, delete_patterns: Sequence[str]) -> list[_Operation]:
    """Return the files that differ from the branch, and deletions of those that an earlier version left.

    `create_commit` would skip unchanged files too, but whether anything changes must be known before a pull request is
    opened or a tag is refused.
    """
    additions = (CommitOperationAdd(path, content) for path, content in sorted(files.items()))
    stale = sorted(
        path for path in head.files.keys() - files.keys() if any(_matches(path, pattern) for pattern in delete_patterns)
    )
    if stale:
        logger.info("deleting files of an earlier version: %s", ", ".join(stale))
    return [
        *(one for one in additions if not _is_stored(one, head.files.get(one.path_in_repo))),
        *(CommitOperationDelete(path) for path in stale),
    ]


def _matches(path: str, pattern: str) -> bool:
    """Return whether a path matches; unlike in fnmatch, `*` does not cross folders."""
    return path.count("/") == pattern.count("/") and fnmatch(path, pattern)


def _is_stored(addition: CommitOperationAdd, stored: RepoFile | None) -> bool:
    """Return whether the Hub has this content; it knows large files by SHA-256 and small ones by git's SHA-1."""
    if stored is None or stored.size != addition.upload_info.size:
        return False
    if stored.lfs is not None:
        return stored.lfs.sha256 == addition.upload_info.sha256.hex()
    with addition.as_file() as stream:
        return stored.blob_id == git_hash(stream.read())


def _check_tag(target: Target, tag: str, head: Head, *, is_changed: bool) -> None:
    """Refuse a tag of another commit; a tag is never moved."""
    found = _find_tag(target, tag)
    if found is not None and (is_changed or found != head.commit):
        raise _build_tag_error(target, tag, found)


def _find_tag(target: Target, tag: str) -> str | None:
    """Return the commit of a tag, None if there is no such tag."""
    refs = HfApi().list_repo_refs(target.repo_id, repo_type=target.repo_type)
    return next((one.target_commit for one in refs.tags if one.name == tag), None)


def _build_tag_error(target: Target, tag: str, taken_by: str) -> PublishError:
    return PublishError(
        f"{target.repo_id}: the tag {tag!r} is taken by commit {taken_by}; choose another tag, or delete that one on "
        "the Hub"
    )


def _set_tag(target: Target, tag: str, pushed: Pushed, *, remedy: str) -> None:
    """Tag a commit, then check that the tag exists: the response is empty. An error says that the files are there."""
    set_tag = partial(HfApi().create_tag, target.repo_id, tag=tag, revision=pushed.commit, exist_ok=True)
    try:
        with report_failures(f"set the tag {tag!r}", remedy=remedy):
            set_tag(repo_type=target.repo_type)
            found = _find_tag(target, tag)
            if found is None:
                raise ConnectionError("the response was a success, but the tag is not there")
            if found != pushed.commit:
                raise _build_tag_error(target, tag, found)
    except PublishError as error:
        raise PublishError(f"pushed to {pushed.url}; the tag failed: {error}") from error.__cause__


def _commit(changes: Sequence[_Operation], head: Head, target: Target, *, message: str, revision: str) -> Pushed:
    """Commit on top of the head; without changes, return the head."""
    repo_id, repo_type = target.repo_id, target.repo_type
    if not changes:
        folder = "" if repo_type == "model" else f"{repo_type}s/"
        return Pushed(f"{HfApi().endpoint}/{folder}{repo_id}/commit/{head.commit}", head.commit, is_new=False)
    with warnings.catch_warnings():
        # The predictions are Parquet, and belong to the model.
        warnings.filterwarnings("ignore", message="It seems that you are about to commit a data file")
        info = HfApi().create_commit(
            repo_id, changes, commit_message=message, repo_type=repo_type, revision=revision, parent_commit=head.commit
        )
    return Pushed(str(info.commit_url), info.oid, is_new=True)


def _open_request(target: Target, title: str) -> Discussion:
    """Return our open pull request of this title, else a new draft.

    The request is opened before the commit: if a response is lost, the next attempt finds it and opens no second one.
    """
    api = HfApi()
    found = api.get_repo_discussions(
        target.repo_id, repo_type=target.repo_type, author=api.whoami()["name"], discussion_type="pull_request"
    )
    ours = (one for one in found if one.title == title and one.status in {"open", "draft"})
    return next(ours, None) or api.create_pull_request(target.repo_id, title=title, repo_type=target.repo_type)


def _update_request(changes: Sequence[_Operation], head: Head, request: Discussion, target: Target) -> Pushed:
    """Commit to a pull request, and open it if it is a draft."""
    pushed = _commit(changes, head, target, message=request.title, revision=str(request.git_reference))
    if request.status == "draft":
        HfApi().change_discussion_status(target.repo_id, request.num, new_status="open", repo_type=target.repo_type)
    return replace(pushed, url=request.url)
