"""From a recipe to split rows: read, clean, find duplicates, split; kept, so that it is done once."""

import hashlib
import json
import logging
import os
import re
import shutil
import time
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
from datasets import Dataset, DatasetDict, load_from_disk
from numpy.typing import NDArray

from hf_newscls import __version__
from hf_newscls.data.cleaning import CleanedRows, clean_rows
from hf_newscls.data.dates import parse_dates
from hf_newscls.data.deduplication import resolve_duplicates
from hf_newscls.data.leakage import measure_leakage
from hf_newscls.data.manifest import SplitManifest, build_manifest
from hf_newscls.data.readers.rows import ROW_ID, read_rows
from hf_newscls.data.sources import Source, fetch_source
from hf_newscls.data.splitting import assign_splits, select_splits
from hf_newscls.files import compute_sha256
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.storage import check_replaceable, replace_folder, report_full_disk, write_json

__all__ = ["PreparedData", "prepare", "read_dates", "read_source", "save_prepared"]

_KEPT_ENTRIES = 8
_SECONDS_A_DAY = 86_400
# With what `replace_folder` puts before it while it writes.
_ENTRY = re.compile(r"(?P<unfinished>\.[0-9a-f]{32}-(new|old)-)?[0-9a-f]{32}")
_MANIFEST = "split.json"
_DECIDING_PACKAGES = ("datasets", "numpy", "pandas", "pyarrow", "rensa")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PreparedData:
    """Rows that were read, cleaned and split.

    Attributes:
        splits: train, validation and test, with id, text, label and what the recipe keeps.
        manifest: what decided the split and what came of it.
    """

    splits: DatasetDict
    manifest: SplitManifest

    @property
    def label_names(self) -> list[str]:
        """Label names in the order of their ids."""
        names: list[str] = self.splits["train"].features["label"].names
        return names


def prepare(recipe: Recipe) -> PreparedData:
    """Read, clean and split the recipe's data file, or take what an earlier call made of the same.

    What was made is kept in the folder that HF_NEWSCLS_CACHE names, else in ~/.cache/hf-newscls/prepared, under a
    fingerprint of the file's content, the recipe's data and split sections, and the code that read them.

    Raises:
        SourceError: the file is not there, or cannot be fetched.
        DataError: its content does not fit the recipe.
    """
    source = fetch_source(recipe.data.source, sha256=recipe.data.sha256)
    entry = _find_cache() / _name_entry(recipe, source.sha256)
    return _take(entry) or _keep(_prepare(recipe, source), entry)


def read_source(recipe: Recipe, source: Source) -> CleanedRows:
    """Return the rows of the recipe's data files that can be used, with the columns for the split and for the probes.

    Raises:
        DataError: their content does not fit the recipe.
    """
    data = recipe.data
    rows = read_rows(source.paths, columns=recipe.columns, id_column=data.id, encoding=data.encoding)
    return clean_rows(rows, data, extra_columns=recipe.extra_columns, source_name=source.name)


def read_dates(dataset: Dataset, column: str | None, *, source_name: str) -> NDArray[np.datetime64] | None:
    """Return the dates of cleaned rows, shape (N,); None where the recipe names no column of dates.

    Raises:
        DataError: values that are no dates.
    """
    if column is None:
        return None
    return parse_dates(dataset[column][:], ids=dataset[ROW_ID][:], column=column, source_name=source_name)


def save_prepared(prepared: PreparedData, folder: Path) -> None:
    """Save the `DatasetDict`, for `datasets.load_from_disk`, with the manifest beside it.

    Raises:
        RunError: the folder holds something else, which would be lost.
    """
    folder = folder.resolve()
    check_replaceable(folder, signs=["dataset_dict.json", _MANIFEST], content="prepared data")
    with report_full_disk(folder), replace_folder(folder) as fresh:
        _write_prepared(prepared, fresh)


def _prepare(recipe: Recipe, source: Source) -> PreparedData:
    data, source_name = recipe.data, source.name
    cleaned = read_source(recipe, source)
    deduplicated = resolve_duplicates(cleaned, data)
    dataset = deduplicated.cleaned.dataset
    dates = read_dates(dataset, data.date, source_name=source_name)
    assignment = assign_splits(
        dataset, recipe.split, groups=deduplicated.bound_groups, dates=dates, source_name=source_name
    )
    splits = select_splits(dataset, assignment)
    dropped = dict(deduplicated.cleaned.dropped)
    if recipe.split.predefined is not None:
        dropped["twin on another side"] = int((assignment < 0).sum())
    manifest = build_manifest(
        splits,
        recipe.split,
        source=data.source_text,
        source_sha256=source.sha256,
        rows_read=cleaned.rows_read,
        dropped=dropped,
        duplicates=deduplicated.counts,
        leakage=measure_leakage(dataset, assignment, groups=deduplicated.groups, section=recipe.split),
    )
    return PreparedData(splits, manifest)


def _take(entry: Path) -> PreparedData | None:
    """Return what an earlier call kept; None where it kept nothing, or only a part of it is left."""
    if not entry.is_dir():
        return None
    try:
        prepared = _load_prepared(entry)
    except (OSError, ValueError, KeyError, TypeError):  # another process is removing it, or a file of it is damaged
        shutil.rmtree(entry, ignore_errors=True)
        return None
    with suppress(OSError):  # a cache of someone else's
        os.utime(entry)
    logger.info("took the rows that were prepared before")
    return prepared


def _keep(prepared: PreparedData, entry: Path) -> PreparedData:
    """Keep prepared rows, and return them mapped from the disk; a cache that cannot be written is no error."""
    # Another process made the same meanwhile: files that it has mapped must not go from under it.
    if kept := _take(entry):
        return kept
    try:
        with replace_folder(entry) as fresh:
            _write_prepared(prepared, fresh)
        _prune(entry.parent)
        return _load_prepared(entry)
    except OSError as error:
        logger.info("the prepared rows could not be kept in %s (%s)", entry.parent, error)
        return prepared


def _write_prepared(prepared: PreparedData, folder: Path) -> None:
    prepared.splits.save_to_disk(folder)
    write_json(folder / _MANIFEST, prepared.manifest.to_dict())


def _load_prepared(folder: Path) -> PreparedData:
    manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    return PreparedData(load_from_disk(str(folder)), SplitManifest.from_dict(manifest))


def _find_cache() -> Path:
    chosen = os.environ.get("HF_NEWSCLS_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(chosen or f"{home}/hf-newscls/prepared").expanduser()


def _name_entry(recipe: Recipe, source_sha256: str) -> str:
    """Return the fingerprint of all that decides what comes of a file."""
    deciding: Mapping[str, object] = {
        "source": [recipe.data.sources, source_sha256],
        "data": recipe.data.model_dump(),
        "split": recipe.split.model_dump(),
        "columns": recipe.columns,
        "code": _hash_code(),
        "versions": [__version__, unicodedata.unidata_version, *(version(name) for name in _DECIDING_PACKAGES)],
    }
    return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()[:32]


@cache
def _hash_code() -> str:
    package = Path(__file__).parents[1]
    files = [package / "files.py", *sorted(package.glob("recipe/*.py")), *sorted(package.glob("data/**/*.py"))]
    return hashlib.sha256("".join(compute_sha256(path) for path in files).encode()).hexdigest()


def _prune(folder: Path) -> None:
    """Remove all entries but those used last, and what a killed process left; nothing that is no entry."""
    whole: list[Path] = []
    broken: list[Path] = []
    for path in folder.iterdir():
        if match := _ENTRY.fullmatch(path.name):
            is_whole = not match["unfinished"] and (path / _MANIFEST).is_file()
            (whole if is_whole else broken).append(path)
    whole.sort(key=_read_age)
    for entry in [*whole[_KEPT_ENTRIES:], *(path for path in broken if _read_age(path) > _SECONDS_A_DAY)]:
        shutil.rmtree(entry, ignore_errors=True)


def _read_age(path: Path) -> float:
    """Return the seconds since a folder was written or used; 0 where another process is removing it."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0
