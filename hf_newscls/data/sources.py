"""Turn the addresses of data files into paths on this machine."""

import glob
import hashlib
import logging
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from hf_newscls.data.hub_sources import HUB_SCHEME, PASS_THE_PATH, fetch_from_hub, list_snapshot
from hf_newscls.errors import SourceError, format_examples, suggest_name
from hf_newscls.files import PACKAGE_SCHEME, compute_sha256, find_package_path, name_paths

__all__ = ["Source", "fetch_source"]

KAGGLE_SCHEME = "kaggle://"
_KAGGLE_ADDRESS = re.compile(
    r"kaggle://(?P<owner>[\w-]+)/(?P<dataset>[\w-]+)(/versions/(?P<version>\d+))?/(?P<file>(?!versions/\d+$).+)"
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """Data files on this machine, in the order they are read.

    Attributes:
        paths: the files; a folder is the snapshot of a dataset of the Hub.
        sha256: of one file, the SHA-256 of its bytes. Of several, the SHA-256 over theirs in hexadecimal, one a line;
            the files of a snapshot, its card among them, stand in the order of their names, each with its name.
    """

    paths: Sequence[Path]
    sha256: str

    @property
    def name(self) -> str:
        """Name of the files for messages."""
        return name_paths(self.paths)


def fetch_source(addresses: str | Sequence[str], *, sha256: str | None = None) -> Source:
    """Return data files on this machine, fetched from Kaggle or the Hub where that is asked for.

    Args:
        addresses: one or several of: a path, a pattern of paths as `news/*.csv`, `package:module/path`,
            `kaggle://owner/set/file`, which may pin a version of the set as `kaggle://owner/set/versions/2/file`, and
            `hf://datasets/owner/name[@revision][/path]`, which is the whole dataset where it names no file. kagglehub
            and huggingface_hub show their own progress and keep what they fetched in their own caches.
        sha256: what `Source.sha256` must be.

    Raises:
        SourceError: there is no such file, it cannot be fetched, or it is not the one the checksum names.
    """
    listed = [addresses] if isinstance(addresses, str) else [*addresses]
    paths = [path for address in listed for path in _fetch(address)]
    repeated = [str(path) for path, count in Counter(path.resolve() for path in paths).items() if count > 1]
    if repeated:
        raise SourceError(
            f"data.source: must name each file once, found {format_examples(repeated)} more than once; remove them"
        )
    source = Source(paths, _compute_fingerprint(paths))
    if sha256 not in {None, source.sha256}:
        whose = "file's" if len(paths) == 1 else "files'"
        raise SourceError(
            f"{', '.join(listed)}: the {whose} SHA-256 must be {sha256}, got {source.sha256}; "
            f"{_advise(listed[0], source)}, or set `data.sha256` to what was found"
        )
    return source


def _advise(address: str, source: Source) -> str:
    """Say how another file than the expected one may be replaced: a cache would give it again and again."""
    if address.startswith(KAGGLE_SCHEME):
        return f"delete {source.name} to fetch it again, or pin its version as kaggle://owner/set/versions/2/file"
    if address.startswith(HUB_SCHEME):
        return "pin the revision that is meant as hf://datasets/owner/name@revision"
    return "fetch the file again"


def _compute_fingerprint(paths: Sequence[Path]) -> str:
    try:
        lines = [line for path in paths for line in (_hash_snapshot(path) if path.is_dir() else [compute_sha256(path)])]
    except OSError as error:
        raise SourceError(f"{name_paths(paths)}: must be files that can be read, got {error}; check them") from error
    if len(paths) == 1 and not paths[0].is_dir():
        return lines[0]
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def _hash_snapshot(folder: Path) -> Sequence[str]:
    """Return SHA-256 and name of each file: the name says which split its rows are of."""
    return [f"{compute_sha256(file)} {file.relative_to(folder).as_posix()}" for file in list_snapshot(folder)]


def _fetch(address: str) -> Sequence[Path]:
    if address.startswith(HUB_SCHEME):
        return [fetch_from_hub(address)]
    if address.startswith(KAGGLE_SCHEME):
        paths = [_fetch_from_kaggle(address)]
    elif address.startswith(PACKAGE_SCHEME):
        paths = [find_package_path(address)]
    else:
        paths = _find_local(address)
    if any(path.is_dir() for path in paths):
        raise SourceError(f"{address}: `data.source` must name a file, got a folder; add the file's name")
    return paths


def _find_local(address: str) -> list[Path]:
    try:
        path = Path(address).expanduser()
        if path.exists():
            return [path]
        # What a pattern matches is sorted, for the order of a folder differs from machine to machine.
        matches = sorted(Path(match) for match in glob.glob(str(path), recursive=True))
    except (OSError, RuntimeError, ValueError) as error:
        raise SourceError(f"{address}: `data.source` must name an existing file, got {error}; check it") from error
    if matches:
        return [match for match in matches if not match.is_dir()] or matches
    if glob.has_magic(address):
        raise SourceError(f"{address}: `data.source` must match files, found none; check the pattern")
    suggestion = suggest_name(path.name, _list_names(path.parent))
    hint = f"did you mean {str(path.parent / suggestion)!r}?" if suggestion else PASS_THE_PATH
    raise SourceError(f"{address}: `data.source` must name an existing file, found none; {hint}")


def _list_names(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir() if entry.is_file()]
    except OSError:  # there is none, or it may be entered but not listed
        return []


def _fetch_from_kaggle(address: str) -> Path:
    match = _KAGGLE_ADDRESS.fullmatch(address)
    if match is None:
        raise SourceError(f"{address}: must have the form kaggle://owner/set/file, got another; write it so")
    page = f"https://www.kaggle.com/datasets/{match['owner']}/{match['dataset']}"
    by_hand = f"download {match['file']} from {page} and {PASS_THE_PATH}"
    try:
        import kagglehub
        import requests
        from kagglehub import exceptions
    except ModuleNotFoundError as error:
        raise SourceError(
            f"{address}: kagglehub must be installed, found none; run `pip install 'hf-newscls[kaggle]'`, or {by_hand}"
        ) from error
    handle = f"{match['owner']}/{match['dataset']}" + (f"/versions/{match['version']}" if match["version"] else "")
    failures: tuple[type[Exception], ...] = (requests.RequestException, OSError, ValueError, *_list_errors(exceptions))
    logger.info("fetching %s from Kaggle", match["file"])
    try:
        return Path(kagglehub.dataset_download(handle, path=match["file"]))
    except failures as error:
        reason = " ".join(str(error).split())[:200]
        raise SourceError(
            f"{address}: Kaggle must be reachable, got {type(error).__name__} ({reason}); {by_hand}"
        ) from error


def _list_errors(module: ModuleType) -> list[type[Exception]]:
    """Return the exceptions of a module: kagglehub's have no class of their own above them."""
    return [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, Exception)]
