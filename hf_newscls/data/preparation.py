"""From a recipe to split rows: read, clean, find duplicates, split; the result is cached on disk."""

import hashlib
import json
import logging
import os
import re
import shutil
import time
import unicodedata
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from datasets import Dataset, DatasetDict, load_from_disk

from hf_newscls import __version__
from hf_newscls.data.cleaning import CleanedRows, clean_rows
from hf_newscls.data.dates import Dates, parse_dates
from hf_newscls.data.deduplication import resolve_duplicates
from hf_newscls.data.manifest import SplitManifest, build_manifest, measure_leakage
from hf_newscls.data.readers.format import ReadOptions
from hf_newscls.data.readers.rows import ROW_ID, read_files
from hf_newscls.data.sources.fetch import Source, fetch_source
from hf_newscls.data.sources.official_splits import use_hub_splits
from hf_newscls.data.splitting import assign_splits, select_splits
from hf_newscls.errors import DataError, SourceError, format_examples
from hf_newscls.files import compute_sha256
from hf_newscls.recipe.data import DataSection
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.storage import check_replaceable, replace_folder, report_disk_errors, write_json

_KEPT_ENTRIES = 8
_SECONDS_A_DAY = 86_400
# Including the prefix that `replace_folder` adds while it writes.
_ENTRY = re.compile(r"(\.[0-9a-f]{32}-(new|old)-)?[0-9a-f]{32}")
_MANIFEST = "split.json"
_DECIDING_PACKAGES = ("charset-normalizer", "datasets", "numpy", "pandas", "pyarrow", "python-calamine", "rensa")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PreparedData:
    """Rows that were read, cleaned and split.

    Attributes:
        splits: train, validation and test, with id, text, label and the columns that the recipe keeps.
        manifest: what decided the split, and its counts.
    """

    splits: DatasetDict
    manifest: SplitManifest = field(repr=False)  # it names every row

    @property
    def label_names(self) -> list[str]:
        """Label names in the order of their ids."""
        names: list[str] = self.splits["train"].features["label"].names
        return names


def prepare(recipe: Recipe) -> PreparedData:
    """Read, clean and split the recipe's data file, or load the cached result of an earlier call.

    The cache is the folder that HF_NEWSCLS_CACHE names, else ~/.cache/hf-newscls/prepared. An entry is used again only
    if the file's content, the recipe's data and split sections and the code that reads them are the same.

    Raises:
        SourceError: the file does not exist, cannot be fetched, or has official splits that cannot be kept.
        DataError: its content does not fit the recipe.
    """
    source = fetch_recipe_source(recipe)
    recipe = use_hub_splits(recipe, source.paths)
    chosen = os.environ.get("HF_NEWSCLS_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    entry = Path(chosen or f"{home}/hf-newscls/prepared").expanduser() / _name_entry(recipe, source.sha256)
    return _load_entry(entry) or _save_entry(_prepare(recipe, source), entry)


def fetch_recipe_source(recipe: Recipe) -> Source:
    """Return the recipe's data files on this machine.

    Raises:
        SourceError: what `fetch_source` raises, or nothing says the label of a file.
    """
    data = recipe.data
    source = fetch_source(data.source, sha256=data.sha256, pool_splits=data.pool_splits)
    if data.label is None and source.keys is None and not all(path.is_dir() for path in source.paths):
        raise SourceError(
            f"{source.name}: data.label is null, but data.source is neither a mapping of labels nor a folder; set "
            "data.label to the column with the label"
        )
    return source


def read_source(recipe: Recipe, source: Source, *, allows_one_label: bool = False) -> CleanedRows:
    """Return the usable rows of the recipe's data files, with the columns for the split and for the probes.

    A model cannot be trained on rows of one label, but evaluated.

    Raises:
        DataError: their content does not fit the recipe.
    """
    data = recipe.data
    rows = read_files(
        source.paths,
        columns=recipe.columns,
        keys=source.keys,
        id_column=data.id,
        options=build_read_options(data),
    )
    return clean_rows(
        rows,
        data,
        extra_columns=recipe.extra_columns,
        source_name=source.name,
        allows_one_label=allows_one_label,
    )


def build_read_options(section: DataSection) -> ReadOptions:
    """Return what a recipe says about how its files are written."""
    return ReadOptions(
        encoding=section.encoding,
        encoding_errors=section.encoding_errors,
        csv=section.csv,
        json_records=section.json_format.records,
        sheet=section.sheet,
        max_characters=section.max_characters,
        list_column=section.label_column,
    )


def read_dates(
    dataset: Dataset, section: DataSection, *, source_name: str, must_be_readable: bool = False
) -> Dates | None:
    """Return the dates of cleaned rows, shape (N,); None if the recipe names no column of dates.

    Raises:
        DataError: a value is not a date, but must be one.
    """
    if section.date is None:
        return None
    values = dataset[section.date][:]
    dates = parse_dates(values, date_format=section.date_format)
    if dates.unreadable:
        ids = dataset[ROW_ID]
        shown = format_examples((f"{values[index]} (id {ids[index]})" for index in dates.unreadable), limit=3)
        problem = (
            f"{source_name}: {len(dates.unreadable):,} of {len(values):,} values in column {section.date!r} are not "
            f"dates with a year, or mix days first and months first: {shown}"
        )
        if must_be_readable:
            raise DataError(
                f"{problem}; set data.date_format, as in '%d.%m.%Y', correct them, or set `split.by: random`"
            )
        logger.warning("%s; they count as missing, see data.date_format", problem)
    return dates


def save_prepared(prepared: PreparedData, folder: Path) -> None:
    """Save the `DatasetDict`, for `datasets.load_from_disk`, and the manifest next to it.

    Raises:
        RunError: the folder holds other files, which would be lost.
    """
    folder = folder.resolve()
    check_replaceable(folder, markers=["dataset_dict.json", _MANIFEST], content="prepared data")
    with report_disk_errors(folder), replace_folder(folder) as fresh:
        _write(prepared, fresh)


def _prepare(recipe: Recipe, source: Source) -> PreparedData:
    cleaned = read_source(recipe, source)
    deduplicated = resolve_duplicates(cleaned, recipe.data)
    dataset, groups = deduplicated.cleaned.dataset, deduplicated.groups
    is_by_time = recipe.split.by == "time"
    dates = read_dates(dataset, recipe.data, source_name=source.name, must_be_readable=True) if is_by_time else None
    assigned = assign_splits(
        dataset,
        recipe.split_strategy,
        groups=deduplicated.bound_groups,
        dates=dates.values if dates else None,
        source_name=source.name,
    )
    splits = select_splits(dataset, assigned)
    dropped = dict(deduplicated.cleaned.dropped)
    if recipe.split_strategy.predefined is not None:
        dropped["duplicate in another split"] = int((assigned < 0).sum())
    manifest = build_manifest(
        splits,
        recipe.split_strategy,
        source=recipe.data.source_text,
        source_sha256=source.sha256,
        rows_read=cleaned.rows_read,
        dropped=dropped,
        duplicates=deduplicated.counts,
        leakage=measure_leakage(dataset, assigned, groups=groups, section=recipe.split_strategy),
        files=cleaned.files,
    )
    return PreparedData(splits, manifest)


def _name_entry(recipe: Recipe, source_sha256: str) -> str:
    """Return a fingerprint of everything that decides the result."""
    deciding = {
        "source": [recipe.data.sources, source_sha256],
        "data": recipe.data.model_dump(),
        "split": recipe.split.model_dump(),
        "columns": recipe.columns,
        "code": _hash_code(),
        "versions": [__version__, unicodedata.unidata_version, *map(_find_version, _DECIDING_PACKAGES)],
    }
    return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()[:32]


def _find_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # of an extra
        return "not installed"


@cache
def _hash_code() -> str:
    package = Path(__file__).parents[1]
    files = [package / "files.py", *sorted(package.glob("recipe/*.py")), *sorted(package.glob("data/**/*.py"))]
    return hashlib.sha256("".join(map(compute_sha256, files)).encode()).hexdigest()


def _load_entry(entry: Path) -> PreparedData | None:
    """Return a cached result; None if there is none or it is damaged."""
    if not entry.is_dir():
        return None
    try:
        prepared = _read(entry)
    except (OSError, ValueError, KeyError, TypeError):  # another process is removing it, or a file of it is damaged
        shutil.rmtree(entry, ignore_errors=True)
        return None
    with suppress(OSError):  # a cache that belongs to another user
        os.utime(entry)
    logger.info("using cached rows: %s", ", ".join(f"{len(rows):,} {name}" for name, rows in prepared.splits.items()))
    return prepared


def _save_entry(prepared: PreparedData, entry: Path) -> PreparedData:
    """Cache a result, and return it mapped from the disk; if the cache cannot be written, return it as it is."""
    # If another process cached the same result meanwhile, it may have mapped the files: do not replace them.
    if kept := _load_entry(entry):
        return kept
    try:
        with replace_folder(entry) as fresh:
            _write(prepared, fresh)
        with suppress(FileNotFoundError):  # another process prunes too
            _prune(entry.parent)
        return _read(entry)
    except OSError as error:
        logger.info("cannot cache the prepared rows in %s (%s)", entry.parent, error)
        return prepared


def _write(prepared: PreparedData, folder: Path) -> None:
    prepared.splits.save_to_disk(folder)
    write_json(folder / _MANIFEST, prepared.manifest.to_dict())


def _read(folder: Path) -> PreparedData:
    manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    return PreparedData(load_from_disk(str(folder)), SplitManifest.from_dict(manifest))


def _prune(folder: Path) -> None:
    """Remove all entries but those used last, and what killed processes left; other files stay."""
    entries = [path for path in folder.iterdir() if _ENTRY.fullmatch(path.name)]
    whole = [path for path in entries if path.name[0] != "." and (path / _MANIFEST).is_file()]
    outdated = sorted(whole, key=os.path.getmtime)[:-_KEPT_ENTRIES]
    broken = [path for path in entries if path not in whole and time.time() - os.path.getmtime(path) > _SECONDS_A_DAY]
    for path in [*outdated, *broken]:
        shutil.rmtree(path, ignore_errors=True)
