"""The cache of prepared rows on this machine."""

import hashlib
import json
import logging
import os
import re
import shutil
import time
import unicodedata
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from hf_newscls import __version__
from hf_newscls.data.prepared.splits import MANIFEST, PreparedData, read_prepared, write_prepared
from hf_newscls.files import compute_sha256
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.storage import replace_folder

_KEPT_ENTRIES = 8
_SECONDS_A_DAY = 86_400
# Including the prefix that `replace_folder` adds while it writes.
_ENTRY = re.compile(r"(\.[0-9a-f]{32}-(new|old)-)?[0-9a-f]{32}")
_DECIDING_PACKAGES = ("charset-normalizer", "datasets", "numpy", "pandas", "pyarrow", "python-calamine", "rensa")

logger = logging.getLogger(__name__)


def find_entry(recipe: Recipe, source_sha256: str) -> Path:
    """Return the folder of the cache for rows that this recipe makes of these files.

    Its name is a fingerprint of everything that decides the result. The cache is the folder that HF_NEWSCLS_CACHE
    names, else ~/.cache/hf-newscls/prepared.
    """
    deciding = {
        "source": [recipe.data.sources, source_sha256],
        "data": recipe.data.model_dump(),
        "split": recipe.split.model_dump(),
        "columns": recipe.columns,
        "code": _hash_code(),
        "versions": [__version__, unicodedata.unidata_version, *map(_find_version, _DECIDING_PACKAGES)],
    }
    name = hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()[:32]
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("HF_NEWSCLS_CACHE") or f"{home}/hf-newscls/prepared").expanduser() / name


def _find_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # of an extra
        return "not installed"


@cache
def _hash_code() -> str:
    package = Path(__file__).parents[2]
    files = [package / "files.py", *sorted(package.glob("recipe/*.py")), *sorted(package.glob("data/**/*.py"))]
    return hashlib.sha256("".join(map(compute_sha256, files)).encode()).hexdigest()


def load_entry(entry: Path) -> PreparedData | None:
    """Return a cached result; None if there is none or it is damaged."""
    if not entry.is_dir():
        return None
    try:
        prepared = read_prepared(entry)
    except (OSError, ValueError, KeyError, TypeError):  # another process is removing it, or a file of it is damaged
        shutil.rmtree(entry, ignore_errors=True)
        return None
    with suppress(OSError):  # a cache that belongs to another user
        os.utime(entry)
    logger.info("using cached rows: %s", ", ".join(f"{len(rows):,} {name}" for name, rows in prepared.splits.items()))
    return prepared


def save_entry(prepared: PreparedData, entry: Path) -> PreparedData:
    """Cache a result, and return it mapped from the disk; if the cache cannot be written, return it as it is."""
    # If another process cached the same result meanwhile, it may have mapped the files: do not replace them.
    if kept := load_entry(entry):
        return kept
    try:
        with replace_folder(entry) as fresh:
            write_prepared(prepared, fresh)
        with suppress(FileNotFoundError):  # another process prunes too
            _prune(entry.parent)
        return read_prepared(entry)
    except OSError as error:
        logger.info("cannot cache the prepared rows in %s (%s)", entry.parent, error)
        return prepared


def _prune(folder: Path) -> None:
    """Remove all entries but those used last, and what killed processes left; other files stay."""
    entries = [path for path in folder.iterdir() if _ENTRY.fullmatch(path.name)]
    whole = [path for path in entries if path.name[0] != "." and (path / MANIFEST).is_file()]
    outdated = sorted(whole, key=os.path.getmtime)[:-_KEPT_ENTRIES]
    broken = [path for path in entries if path not in whole and time.time() - os.path.getmtime(path) > _SECONDS_A_DAY]
    for path in [*outdated, *broken]:
        shutil.rmtree(path, ignore_errors=True)
