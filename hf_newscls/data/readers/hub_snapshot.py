"""Read a whole dataset of the Hub from its snapshot on this machine."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import yaml
from datasets import (
    DatasetDict,
    get_dataset_config_names,
    get_dataset_default_config_name,
    load_dataset,
    load_dataset_builder,
)
from datasets.exceptions import DatasetsError

from hf_newscls.data.readers.columns import READ_ROWS, TEXT, Block, Blocks, check_columns, convert_table
from hf_newscls.data.readers.parquet_file import find_label_names
from hf_newscls.errors import DataError, format_examples, shorten_text
from hf_newscls.files import read_card_metadata

SPLIT = "split"
"""Column of a dataset with the name of the split of each row."""

_FIX = "name one of its files as hf://datasets/owner/name/path"

logger = logging.getLogger(__name__)


def is_snapshot(folder: Path) -> bool:
    """Return whether huggingface_hub keeps this folder: it is `datasets--owner--name/snapshots/commit`."""
    return folder.parent.name == "snapshots" and folder.parents[1].name.startswith("datasets--")


def name_snapshot(folder: Path) -> str:
    """Return the address of the dataset, without its revision.

    >>> name_snapshot(Path("datasets--owner--news/snapshots/ab12"))
    'hf://datasets/owner/news'
    """
    return "hf://" + folder.parents[1].name.replace("--", "/")


def read_snapshot_blocks(folder: Path, wanted: Sequence[str], *, list_column: str | None = None) -> Blocks:
    """Yield the wanted columns of a dataset as text, block by block, one split after the other.

    The dataset's card decides which files belong to which split, and the names of label ids. No code of the dataset
    is run. The column `split` is the name of the row's split, unless the dataset has such a column.

    Raises:
        DataError: `datasets` cannot read it, it has several configurations, a column is missing, or
            one holds lists that is not `list_column`.
    """
    source_name = name_snapshot(folder)
    with _explain_errors(source_name):
        for split, dataset in _load_splits(folder, source_name).items():
            names = dataset.column_names
            check_columns(source_name, wanted, names if SPLIT in names else [*names, SPLIT])
            present = [name for name in wanted if name in names]
            label_names = find_label_names(dataset.features)
            for table in dataset.select_columns(present).with_format("arrow").iter(batch_size=READ_ROWS):
                texts = convert_table(
                    table, present, source_name=source_name, label_names=label_names, list_column=list_column
                )
                if len(present) < len(wanted):
                    texts = texts.append_column(SPLIT, pa.array([split] * len(texts), TEXT))
                yield Block(texts.select([*wanted]))


def list_splits(folder: Path) -> list[str]:
    """Return the names of a dataset's splits; no rows are read.

    Raises:
        DataError: `datasets` cannot read it, or it has several configurations.
    """
    source_name = name_snapshot(folder)
    with _explain_errors(source_name):
        builder = load_dataset_builder(str(folder), _choose_configuration(folder, source_name))
        return [str(split) for split in builder.config.data_files or {}]


@contextmanager
def _explain_errors(source_name: str) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except (DatasetsError, OSError, ValueError, TypeError, KeyError, pa.ArrowException, yaml.YAMLError) as error:
        reason = f"{type(error).__name__}: {shorten_text(error.__cause__ or error, limit=300)}"
        raise DataError(f"{source_name}: `datasets` cannot read it ({reason}); {_FIX}") from error


def _check_card(card: Path) -> None:
    # `datasets` reads its metadata without bounds.
    if card.is_file():
        read_card_metadata(card.read_text(encoding="utf-8"))


def _load_splits(folder: Path, source_name: str) -> DatasetDict:
    splits: DatasetDict = load_dataset(str(folder), _choose_configuration(folder, source_name))
    logger.info("%s: %s", source_name, ", ".join(f"{len(rows):,} {split}" for split, rows in splits.items()))
    return splits


def _choose_configuration(folder: Path, source_name: str) -> str:
    _check_card(folder / "README.md")
    names: list[str] = get_dataset_config_names(str(folder))
    chosen: str | None = names[0] if len(names) == 1 else get_dataset_default_config_name(str(folder))
    if chosen is None:
        raise DataError(f"{source_name}: no default among its configurations ({format_examples(names)}); {_FIX}")
    return chosen
