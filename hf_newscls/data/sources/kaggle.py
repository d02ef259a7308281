"""Fetch a file of a Kaggle set: the one that is attached to a notebook on Kaggle, else with kagglehub."""

import logging
import os
import re
from pathlib import Path

from hf_newscls.data.sources.hub import PASS_THE_PATH
from hf_newscls.errors import SourceError, shorten_text

KAGGLE_SCHEME = "kaggle://"
SERVER = "https://api.kaggle.com"
_KAGGLE_ADDRESS = re.compile(
    r"kaggle://(?P<dataset>[\w-]+/[\w-]+)(?P<version>/versions/\d+)?/(?P<file>(?!versions/\d+$).+)"
)

logger = logging.getLogger(__name__)


def fetch_from_kaggle(address: str) -> Path:
    """Return a file of a Kaggle set, attached to this notebook or fetched; kagglehub caches it.

    An attached set has the version that was chosen when it was attached.

    Raises:
        SourceError: kagglehub is not installed, or cannot fetch it.
    """
    match = _parse(address)
    dataset, version, file = match["dataset"], match["version"] or "", match["file"]
    attached = _find_attached(match)
    if attached is not None:
        logger.info("reading %s, which is attached to this notebook", attached)
        return attached
    by_hand = describe_download(address)
    try:
        import kagglehub
        import requests
        from kagglehub import exceptions
    except ModuleNotFoundError as error:
        raise SourceError(
            f"{address}: kagglehub is not installed; run `pip install 'hf-newscls[kaggle]'`, or {by_hand}"
        ) from error
    # kagglehub's exceptions have no base class of their own.
    theirs = [kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    failures: tuple[type[Exception], ...] = (requests.RequestException, OSError, ValueError, *theirs)
    logger.info("fetching %s from Kaggle", file)
    try:
        return Path(kagglehub.dataset_download(dataset + version, path=file))
    except failures as error:
        reason = f"{type(error).__name__}: {shorten_text(error)}"
        raise SourceError(f"{address}: fetching failed ({reason}); {by_hand}") from error


def is_fetched(address: str) -> bool:
    """Return whether no server is needed: the set is attached or its version cached, or this is a notebook on Kaggle.

    Raises:
        SourceError: the address is not one of Kaggle.
    """
    match = _parse(address)
    cache = Path(os.environ.get("KAGGLEHUB_CACHE") or "~/.cache/kagglehub").expanduser() / "datasets"
    path = cache / f"{match['dataset']}{match['version']}" / match["file"]
    is_cached = match["version"] is not None and path.exists()
    return is_cached or _find_attached(match) is not None or "KAGGLE_KERNEL_RUN_TYPE" in os.environ


def describe_download(address: str) -> str:
    """Return how to get the file by hand.

    >>> describe_download("kaggle://owner/set/news.csv")
    'download news.csv from https://www.kaggle.com/datasets/owner/set and pass its path with --data (make: DATA=path)'
    """
    match = _parse(address)
    return f"download {match['file']} from https://www.kaggle.com/datasets/{match['dataset']} and {PASS_THE_PATH}"


def _find_attached(match: re.Match[str]) -> Path | None:
    """Return the file in the folder where Kaggle mounts sets, also under the address that it gave them until 2025."""
    mounts = Path(os.environ.get("KAGGLE_CACHE_MOUNT_FOLDER") or "/kaggle/input")  # kagglehub's variable
    dataset = match["dataset"]
    folders = (mounts / "datasets" / dataset, mounts / dataset.partition("/")[2])
    return next((folder / match["file"] for folder in folders if (folder / match["file"]).is_file()), None)


def _parse(address: str) -> re.Match[str]:
    match = _KAGGLE_ADDRESS.fullmatch(address)
    if match is None:
        raise SourceError(f"{address}: not a Kaggle address; write it as kaggle://owner/set/file")
    return match
