"""Fetch a file or a whole dataset from the Hub; no code of the dataset is fetched or run."""

import logging
import re
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import (  # type: ignore[attr-defined] # HTTPError, the base of what its client raises
    EntryNotFoundError,
    GatedRepoError,
    HTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from hf_newscls.data.readers.compression import COMPRESSED_ENDINGS
from hf_newscls.errors import SourceError, shorten_text, suggest_fix
from hf_newscls.files import list_files

HUB_SCHEME = "hf://"
PASS_THE_PATH = "pass its path with --data (make: DATA=path)"
"""What to do about a file that could not be fetched."""

_ADDRESS = re.compile(
    r"hf://datasets/(?P<repo_id>[\w.-]+/[\w.-]+)"
    r"(@(?P<revision>refs/(pr|convert)/[\w.-]+|[^/@]+))?(/(?P<path>[^/].*))?"
)
_FORMATS = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".arrow")
_DATA_PATTERNS = [f"*{kind}{ending}" for kind in _FORMATS for ending in ("", *COMPRESSED_ENDINGS)] + ["*.zip"]
# Files that `datasets` reads next to the data: configurations, splits and label names.
_CARD_FILES = ["README.md", ".huggingface.yaml"]
_NO_DATA = {"config.json", "dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"}

logger = logging.getLogger(__name__)


def fetch_from_hub(address: str) -> Path:
    """Return a file of a Hub dataset, or the folder of a snapshot of all of it; huggingface_hub caches both.

    Raises:
        SourceError: there is no such dataset, revision or file, access is denied, or it has no data file.
    """
    match = _parse(address)
    repo_id, revision, path = match["repo_id"], match["revision"], match["path"]
    logger.info("fetching %s from the Hub", path or repo_id)
    try:
        if path is not None:
            return Path(HfApi().hf_hub_download(repo_id, path, repo_type="dataset", revision=revision))
        patterns = [*_DATA_PATTERNS, *_CARD_FILES]
        folder = HfApi().snapshot_download(repo_id, repo_type="dataset", revision=revision, allow_patterns=patterns)
    except (HTTPError, EntryNotFoundError, OSError, ValueError) as error:
        raise SourceError(f"{address}: {_explain(error, repo_id, revision, path)}") from error
    if not any(_is_data(file) for file in list_snapshot(Path(folder))):
        raise SourceError(
            f"{address}: the dataset has no data file ({', '.join(_FORMATS)}); name the file as "
            f"hf://datasets/{repo_id}/path, or another dataset"
        )
    return Path(folder)


def is_fetched(address: str) -> bool:
    """Return whether the file, or a snapshot of the dataset, is in the cache of huggingface_hub.

    Raises:
        SourceError: the address is not one of a Hub dataset.
    """
    match = _parse(address)
    fetch = partial(snapshot_download, match["repo_id"])
    if match["path"] is not None:
        fetch = partial(hf_hub_download, match["repo_id"], match["path"])
    try:
        fetch(repo_type="dataset", revision=match["revision"], local_files_only=True)
    except (EntryNotFoundError, OSError, ValueError):
        return False
    return True


def _parse(address: str) -> re.Match[str]:
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise SourceError(
            f"{address}: not an address of a Hub dataset; write it as hf://datasets/owner/name or "
            "hf://datasets/owner/name@revision/path"
        )
    return match


def list_snapshot(folder: Path) -> list[Path]:
    """Return the data files of a snapshot and its card, ordered by name."""
    return [file for name, file in list_files(folder).items() if name in _CARD_FILES or _is_data(file)]


def _is_data(file: Path) -> bool:
    return file.name not in _NO_DATA and any(fnmatch(file.name, pattern) for pattern in _DATA_PATTERNS)


def _explain(error: Exception, repo_id: str, revision: str | None, path: str | None) -> str:
    """Say why a dataset or file could not be fetched, and what to do."""
    page = f"{HfApi().endpoint}/datasets/{repo_id}"
    tree = f"{page}/tree/{revision or 'main'}"
    if isinstance(error, GatedRepoError):
        return f"gated dataset; accept its terms at {page} and run `hf auth login`"
    if isinstance(error, RepositoryNotFoundError):
        return "no such dataset on the Hub; check the spelling, or run `hf auth login` if it is private"
    if isinstance(error, RevisionNotFoundError):
        return f"no revision {revision!r}; see {page}/commits/main"
    if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
        try:
            names = HfApi().list_repo_files(repo_id, repo_type="dataset", revision=revision)
        except (HTTPError, OSError):
            names = []
        return f"no file {path!r}; {suggest_fix(path or '', names, otherwise=f'see {tree}')}"
    cause = error.__cause__ or error
    return (
        f"fetching from the Hub failed ({type(cause).__name__}: {shorten_text(cause)}); go online and unset "
        f"HF_HUB_OFFLINE for the first fetch, or download the file from {tree} and {PASS_THE_PATH}"
    )
