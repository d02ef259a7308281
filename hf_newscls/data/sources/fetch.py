"""Turn the addresses of data files into paths on this machine."""

import glob
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hf_newscls.data.readers.hub_snapshot import is_snapshot
from hf_newscls.data.readers.text_folder import list_texts
from hf_newscls.data.sources.hub import HUB_SCHEME, PASS_THE_PATH, fetch_from_hub, list_snapshot
from hf_newscls.data.sources.kaggle import KAGGLE_SCHEME, fetch_from_kaggle
from hf_newscls.data.sources.official_splits import refuse_pooled_splits
from hf_newscls.errors import SourceError, format_examples, suggest_name
from hf_newscls.files import PACKAGE_SCHEME, compute_sha256, find_package_path, name_paths
from hf_newscls.recipe.files import list_addresses


@dataclass(frozen=True)
class Source:
    """Data files on this machine, in the order they are read."""

    paths: Sequence[Path]  # the files; a folder is the snapshot of a dataset of the Hub, or holds text files
    # For one file, the SHA-256 of its bytes. For several, the SHA-256 over these in hexadecimal, one a line; for a
    # folder, each line also has the name of the file, and the card of a snapshot is one of the files.
    sha256: str
    keys: Sequence[str] | None = None  # the key in the mapping of each path; None if the source is not a mapping

    @property
    def name(self) -> str:
        """Name of the files for messages."""
        return name_paths(self.paths)


def fetch_source(
    addresses: str | Sequence[str] | Mapping[str, str | Sequence[str]],
    *,
    sha256: str | None = None,
    pool_splits: bool = False,
) -> Source:
    """Return data files on this machine, fetched from Kaggle or the Hub if needed, whose libraries cache them.

    An address is a path, a pattern of paths such as `news/*.csv`, a folder of text files, `package:module/path`,
    `kaggle://owner/set[/versions/2]/file`, or `hf://datasets/owner/name[@revision][/path]`, which is the whole dataset
    if it names no file.

    Args:
        addresses: one, several, or a mapping of splits or labels to these.
        sha256: the expected `Source.sha256`.
        pool_splits: whether files whose names say train and test may be listed without a mapping.

    Raises:
        SourceError: a file does not exist, cannot be fetched, has another checksum, or belongs to an official split.
    """
    is_mapping = isinstance(addresses, Mapping)
    groups = addresses.items() if isinstance(addresses, Mapping) else [("", addresses)]
    listed = [(key, address) for key, group in groups for address in list_addresses(group)]
    found = [(key, address, path) for key, address in listed for path in _fetch(address)]
    paths = [path for _, _, path in found]
    if not (is_mapping or pool_splits):
        refuse_pooled_splits([(address, path) for _, address, path in found])
    repeated = [str(path) for path, count in Counter(path.resolve() for path in paths).items() if count > 1]
    if repeated:
        raise SourceError(f"data.source: files named more than once: {format_examples(repeated)}; remove them")
    source = Source(paths, _compute_fingerprint(paths), [key for key, _, _ in found] if is_mapping else None)
    if sha256 not in {None, source.sha256}:
        raise SourceError(
            f"{', '.join(address for _, address in listed)}: SHA-256 is {source.sha256}, but data.sha256 is {sha256}; "
            f"{_advise(listed[0][1], source)}, or update data.sha256"
        )
    return source


def _advise(address: str, source: Source) -> str:
    """Say how to replace the wrong file, which a cache would return again and again."""
    if address.startswith(KAGGLE_SCHEME):
        pin = "" if "/versions/" in address else ", or pin its version as kaggle://owner/set/versions/2/file"
        return f"delete {source.name} to fetch it again{pin}"
    if address.startswith(HUB_SCHEME) and "@" not in address:
        return "pin the revision as hf://datasets/owner/name@revision"
    return "fetch the file again"


def _compute_fingerprint(paths: Sequence[Path]) -> str:
    lines = []
    try:
        for path in paths:
            if path.is_dir():
                # The name of a file can decide the split or the label of its rows.
                files = list_snapshot(path) if is_snapshot(path) else list_texts(path)
                lines += [f"{compute_sha256(file)} {file.relative_to(path).as_posix()}" for file in files]
            else:
                lines.append(compute_sha256(path))
    except SourceError:
        raise
    except OSError as error:
        raise SourceError(f"{name_paths(paths)}: cannot be read ({error}); check its permissions") from error
    if len(paths) == 1 and not paths[0].is_dir():
        return lines[0]
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def _fetch(address: str) -> Sequence[Path]:
    if address.startswith(HUB_SCHEME):
        return [fetch_from_hub(address)]
    if address.startswith(KAGGLE_SCHEME):
        return [fetch_from_kaggle(address)]
    if address.startswith(PACKAGE_SCHEME):
        return [find_package_path(address)]
    paths = _find_local(address)
    for path in paths:
        if not (path.is_file() or path.is_dir()):  # a device or a pipe could be read without end
            raise SourceError(f"{address}: neither a file nor a folder; save what it gives as a file, and name that")
    return paths


def _find_local(address: str) -> list[Path]:
    try:
        path = Path(address).expanduser()
        if path.exists():
            return [path]
        # Sorted, because the order of files in a folder differs between machines.
        matches = sorted(Path(match) for match in glob.glob(str(path), recursive=True))
    except (OSError, RuntimeError, ValueError) as error:
        raise SourceError(f"{address}: data.source is not a valid path ({error}); correct it") from error
    if matches:
        return [match for match in matches if not match.is_dir()] or matches
    if glob.has_magic(address):
        raise SourceError(f"{address}: data.source matches no file ({path.absolute()}); correct the pattern")
    folder = path.parent.resolve()
    try:
        neighbors = [entry.name for entry in folder.iterdir() if entry.is_file()]
    except OSError:  # the folder does not exist, or cannot be listed
        neighbors = []
    close = suggest_name(path.name, neighbors)
    hint = f"did you mean {str(path.parent / close)!r}?" if close else f"copy the file there, or {PASS_THE_PATH}"
    found = f"no file in the folder {folder}" if folder.is_dir() else f"the folder {folder}, which does not exist"
    raise SourceError(f"{address}: data.source names {found}; {hint}")
