"""Fetch a file or a whole dataset from the Hub; no code of the dataset is fetched or run."""

import logging
import re
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import (  # type: ignore[attr-defined] # HTTPError, of which its client raises kinds
    EntryNotFoundError,
    GatedRepoError,
    HTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from hf_newscls.data.readers.compression import COMPRESSED_ENDINGS
from hf_newscls.errors import SourceError, suggest_name

__all__ = ["HUB_SCHEME", "PASS_THE_PATH", "fetch_from_hub", "list_snapshot"]

HUB_SCHEME = "hf://"
PASS_THE_PATH = "pass its path with --data, or to make as DATA=path"
"""What to do with a file that could not be fetched."""

_ADDRESS = re.compile(
    r"hf://datasets/(?P<repo_id>[\w.-]+/[\w.-]+)"
    r"(@(?P<revision>refs/(pr|convert)/[\w.-]+|[^/@]+))?(/(?P<path>[^/].*))?"
)
_FORMATS = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".arrow")
_DATA_PATTERNS = [f"*{kind}{ending}" for kind in _FORMATS for ending in ("", *COMPRESSED_ENDINGS)] + ["*.zip"]
# What `datasets` reads beside the data: configurations, splits and the names behind label ids.
_CARD_FILES = ["README.md", ".huggingface.yaml"]
_NO_DATA = {"config.json", "dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"}

logger = logging.getLogger(__name__)


def fetch_from_hub(address: str) -> Path:
    """Return the path of a file of a Hub dataset, or the folder of a snapshot of the whole dataset.

    huggingface_hub keeps both in its own cache, where they are found again without a network.

    Args:
        address: `hf://datasets/owner/name[@revision][/path]`.

    Raises:
        SourceError: there is no such dataset, revision or file, it may not be read, or holds no data file.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise SourceError(
            f"{address}: must have the form hf://datasets/owner/name or hf://datasets/owner/name@revision/path, got "
            "another; write it so"
        )
    repo_id, revision, path = match["repo_id"], match["revision"], match["path"]
    logger.info("fetching %s from the Hub", path or repo_id)
    try:
        if path is not None:
            return Path(HfApi().hf_hub_download(repo_id, path, repo_type="dataset", revision=revision))
        patterns = [*_DATA_PATTERNS, *_CARD_FILES]
        folder = HfApi().snapshot_download(repo_id, repo_type="dataset", revision=revision, allow_patterns=patterns)
    except (HTTPError, EntryNotFoundError, OSError, ValueError) as error:
        raise _explain(error, address, repo_id=repo_id, revision=revision, path=path) from error
    if not any(_is_data(file) for file in list_snapshot(Path(folder))):
        raise SourceError(
            f"{address}: must hold a data file ({', '.join(_FORMATS)}), found none; name the file as "
            f"hf://datasets/{repo_id}/path, or another dataset"
        )
    return Path(folder)


def list_snapshot(folder: Path) -> list[Path]:
    """Return the files of a snapshot that decide what is read, its card among them, in the order of their names."""
    files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
    return [file for name, file in sorted(files.items()) if name in _CARD_FILES or _is_data(file)]


def _is_data(file: Path) -> bool:
    return file.name not in _NO_DATA and any(fnmatch(file.name, pattern) for pattern in _DATA_PATTERNS)


def _explain(error: Exception, address: str, *, repo_id: str, revision: str | None, path: str | None) -> SourceError:
    page = f"{HfApi().endpoint}/datasets/{repo_id}"
    what = remedy = ""
    if isinstance(error, GatedRepoError):
        what, remedy = "must be open to you, got a gated dataset", f"accept its terms at {page} and run `hf auth login`"
    elif isinstance(error, RepositoryNotFoundError):
        what = "must be a dataset on the Hub, found none of this name"
        remedy = "check the spelling; a private one needs `hf auth login`"
    elif isinstance(error, RevisionNotFoundError):
        what, remedy = f"must have the revision {revision!r}, found none", f"see {page}/commits/main"
    elif isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
        what, remedy = f"must hold the file {path!r}, found none", _suggest_file(repo_id, revision, path or "", page)
    else:
        reason = " ".join(str(error.__cause__ or error).split())[:200]
        what = f"the Hub must be reachable, got {type(error.__cause__ or error).__name__} ({reason})"
        remedy = (
            "go online once, for what was fetched is kept, and unset HF_HUB_OFFLINE; or download the file from "
            f"{page}/tree/{revision or 'main'} and {PASS_THE_PATH}"
        )
    return SourceError(f"{address}: {what}; {remedy}")


def _suggest_file(repo_id: str, revision: str | None, path: str, page: str) -> str:
    try:
        names: Sequence[str] = HfApi().list_repo_files(repo_id, repo_type="dataset", revision=revision)
    except (HTTPError, OSError):
        names = []
    close = suggest_name(path, names)
    return f"did you mean {close!r}?" if close else f"see {page}/tree/{revision or 'main'}"
