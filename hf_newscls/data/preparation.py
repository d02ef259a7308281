"""From a recipe to split rows: read, clean, find duplicates, split; the result is cached on disk."""

import logging

from datasets import Dataset

from hf_newscls.data.cleaning import CleanedRows, clean_rows
from hf_newscls.data.dates import Dates, parse_dates
from hf_newscls.data.deduplication import resolve_duplicates
from hf_newscls.data.manifest import build_manifest, measure_leakage
from hf_newscls.data.prepared.cache import find_entry, load_entry, save_entry
from hf_newscls.data.prepared.splits import PreparedData
from hf_newscls.data.readers.format import ReadOptions
from hf_newscls.data.readers.rows import ROW_ID, read_files
from hf_newscls.data.sources.fetch import Source, fetch_source
from hf_newscls.data.sources.official_splits import use_hub_splits
from hf_newscls.data.splitting import assign_splits, select_splits
from hf_newscls.errors import DataError, SourceError, format_examples
from hf_newscls.recipe.data import DataSection
from hf_newscls.recipe.recipe import Recipe

logger = logging.getLogger(__name__)


def prepare(recipe: Recipe) -> PreparedData:
    """Read, clean and split the recipe's data file, or load the cached result of an earlier call.

    A result is used again only if the file's content, the recipe's data and split sections and the code that reads them
    are the same.

    Raises:
        SourceError: the file does not exist, cannot be fetched, or has official splits that cannot be kept.
        DataError: its content does not fit the recipe.
    """
    source = fetch_recipe_source(recipe)
    recipe = use_hub_splits(recipe, source.paths)
    entry = find_entry(recipe, source.sha256)
    return load_entry(entry) or save_entry(_prepare(recipe, source), entry)


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
