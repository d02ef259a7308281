"""From a recipe to split rows: read, clean, find duplicates, split; kept, so that it is done once."""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
from datasets import Dataset, DatasetDict, load_from_disk
from numpy.typing import NDArray

from hf_newscls import __version__
from hf_newscls.data.cleaning import clean_rows
from hf_newscls.data.dates import parse_dates
from hf_newscls.data.deduplication import resolve_duplicates
from hf_newscls.data.leakage import measure_leakage
from hf_newscls.data.manifest import SplitManifest, build_manifest
from hf_newscls.data.reading import ROW_ID, read_rows
from hf_newscls.data.source import Source, fetch_source
from hf_newscls.data.splitting import assign_sides, select_sides
from hf_newscls.errors import RunError
from hf_newscls.files import compute_sha256
from hf_newscls.recipe import Recipe
from hf_newscls.storage import check_folder, replace_folder, report_full_disk, write_json

__all__ = ["PreparedData", "prepare", "save_prepared"]

_KEPT_ENTRIES = 8
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
    if (entry / _MANIFEST).is_file():
        logger.info("took the rows that were prepared before")
        os.utime(entry)
        return _load_prepared(entry)
    prepared = _prepare(recipe, source)
    try:
        with replace_folder(entry) as folder:
            _write_prepared(prepared, folder)
    except OSError as error:
        # A cache is no part of the result.
        logger.info("the prepared rows could not be kept in %s (%s)", entry.parent, error)
        return prepared
    _prune(entry.parent)
    return _load_prepared(entry)


def save_prepared(prepared: PreparedData, folder: Path) -> None:
    """Save the `DatasetDict`, for `datasets.load_from_disk`, with the manifest beside it.

    Raises:
        RunError: the folder holds something else, which would be lost.
    """
    folder = folder.resolve()
    check_folder(folder)
    if folder.exists() and not (folder / "dataset_dict.json").is_file() and any(folder.iterdir()):
        raise RunError(f"{folder}: must be new, empty or hold prepared data, found other files; name another folder")
    with report_full_disk(folder), replace_folder(folder) as fresh:
        _write_prepared(prepared, fresh)


def _prepare(recipe: Recipe, source: Source) -> PreparedData:
    data, where = recipe.data, source.where
    rows = read_rows(source.paths, columns=recipe.columns, id_column=data.id, encoding=data.encoding)
    cleaned = clean_rows(rows, data, further=recipe.split_columns, where=where)
    deduplicated = resolve_duplicates(cleaned, data)
    dataset = deduplicated.cleaned.dataset
    dates = _read_dates(dataset, data.date, where=where)
    sides = assign_sides(dataset, recipe.split, groups=deduplicated.bound_groups, dates=dates, where=where)
    splits = select_sides(dataset, sides)
    dropped = dict(deduplicated.cleaned.dropped)
    if recipe.split.predefined is not None:
        dropped["twin on another side"] = int((sides < 0).sum())
    manifest = build_manifest(
        splits,
        recipe.split,
        source=data.source_text,
        source_sha256=source.sha256,
        rows_read=cleaned.rows_read,
        dropped=dropped,
        duplicates=deduplicated.counts,
        leakage=measure_leakage(dataset, sides, groups=deduplicated.groups, section=recipe.split),
    )
    return PreparedData(splits, manifest)


def _read_dates(dataset: Dataset, column: str | None, *, where: str) -> NDArray[np.datetime64] | None:
    if column is None:
        return None
    return parse_dates(dataset[column][:], ids=dataset[ROW_ID][:], column=column, where=where)


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
        "code": _hash_code(),
        "versions": [__version__, *(version(name) for name in _DECIDING_PACKAGES)],
    }
    return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()[:32]


@cache
def _hash_code() -> str:
    package = Path(__file__).parent
    files = [*sorted((package / "data").glob("*.py")), package / "labels.py", Path(__file__)]
    return hashlib.sha256("".join(compute_sha256(path) for path in files).encode()).hexdigest()


def _prune(folder: Path) -> None:
    """Remove all entries but those used last."""
    entries = sorted((path for path in folder.iterdir() if path.is_dir()), key=lambda path: -path.stat().st_mtime)
    for entry in entries[_KEPT_ENTRIES:]:
        shutil.rmtree(entry, ignore_errors=True)
