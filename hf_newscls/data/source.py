"""Turn the address of a data file into a path on this machine."""

import logging
import re
from pathlib import Path

from hf_newscls.errors import SourceError, suggest_name
from hf_newscls.files import PACKAGE_SCHEME, compute_sha256, find_package_path

__all__ = ["fetch_source"]

KAGGLE_SCHEME = "kaggle://"
_KAGGLE_ADDRESS = re.compile(
    r"kaggle://(?P<owner>[\w-]+)/(?P<dataset>[\w-]+)(/versions/(?P<version>\d+))?/(?P<file>(?!versions/\d+$).+)"
)

logger = logging.getLogger(__name__)


def fetch_source(address: str, *, sha256: str | None = None) -> Path:
    """Return the local path of a data file, downloading it from Kaggle where that is asked for.

    Args:
        address: a path, `package:module/path`, or `kaggle://owner/set/file`, which may pin a version of the set
            as `kaggle://owner/set/versions/2/file`. kagglehub keeps downloads in its own cache.
        sha256: what the file's SHA-256 must be, in hexadecimal.

    Raises:
        SourceError: there is no such file, it cannot be fetched, or it is not the one the checksum names.
    """
    if address.startswith(KAGGLE_SCHEME):
        path = _fetch_from_kaggle(address)
    elif address.startswith(PACKAGE_SCHEME):
        path = find_package_path(address)
    else:
        path = _find_local(address)
    if path.is_dir():
        raise SourceError(f"{address}: `data.source` must name a file, got a folder; add the file's name")
    found = compute_sha256(path) if sha256 else None
    if found != sha256:
        raise SourceError(f"{address}: the file's SHA-256 must be {sha256}, got {found}; fetch the file again")
    return path


def _find_local(address: str) -> Path:
    try:
        path = Path(address).expanduser()
        if path.exists():
            return path
    except (OSError, RuntimeError) as error:
        raise SourceError(f"{address}: `data.source` must name an existing file, got {error}; check it") from error
    siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    suggestion = suggest_name(path.name, siblings)
    hint = f"did you mean {str(path.parent / suggestion)!r}?" if suggestion else "pass the file's path as DATA=path"
    raise SourceError(f"{address}: `data.source` must name an existing file, found none; {hint}")


def _fetch_from_kaggle(address: str) -> Path:
    match = _KAGGLE_ADDRESS.fullmatch(address)
    if match is None:
        raise SourceError(f"{address}: must have the form kaggle://owner/set/file, got another; write it so")
    page = f"https://www.kaggle.com/datasets/{match['owner']}/{match['dataset']}"
    by_hand = f"download {match['file']} from {page} and pass its path as DATA=path"
    try:
        import kagglehub
        import requests
        from kagglehub.exceptions import DataCorruptionError
    except ModuleNotFoundError as error:
        raise SourceError(
            f"{address}: kagglehub must be installed, found none; run `pip install 'hf-newscls[kaggle]'`, or {by_hand}"
        ) from error
    handle = f"{match['owner']}/{match['dataset']}" + (f"/versions/{match['version']}" if match["version"] else "")
    logger.info("fetching %s from Kaggle", match["file"])
    try:
        return Path(kagglehub.dataset_download(handle, path=match["file"]))
    except (requests.RequestException, DataCorruptionError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise SourceError(
            f"{address}: Kaggle must be reachable, got {type(error).__name__} ({reason}); {by_hand}"
        ) from error
