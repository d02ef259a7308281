"""Read Parquet in blocks, label ids by the names the file gives them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import ClassLabel, Features

from hf_newscls.data.readers.columns import BLOCK_ROWS, check_columns, is_text_type, to_text_array
from hf_newscls.data.readers.compression import open_data
from hf_newscls.errors import DataError

__all__ = ["convert_table", "find_label_names", "read_parquet_blocks"]


def read_parquet_blocks(path: Path, wanted: Sequence[str]) -> Iterator[pa.Table]:
    """Yield the wanted columns of a Parquet file as text, block by block, in the file's order.

    A file that `datasets` wrote knows the names of its label ids; they take the ids' place. Parquet must be read from
    its end, so a compressed file is held in memory as it stands.

    Raises:
        DataError: the file is damaged, lacks a column, or holds lists where text is wanted.
    """
    source = _open_source(path)
    try:
        with pq.ParquetFile(source) as file:
            schema = file.schema_arrow
            check_columns(path, wanted, schema.names)
            label_names = _read_label_names(schema)
            for batch in file.iter_batches(batch_size=BLOCK_ROWS, columns=[*wanted]):
                table = pa.Table.from_batches([batch])
                yield convert_table(table, wanted, source_name=path, label_names=label_names)
    except DataError:
        raise
    except (OSError, ValueError, TypeError, KeyError, pa.ArrowException) as error:
        raise DataError(f"{path}: must be a whole Parquet file, got {error}; fetch it again") from error


def _open_source(path: Path) -> Path | pa.BufferReader:
    with open_data(path) as opened:
        return pa.BufferReader(opened.stream.read()) if opened.is_compressed else path


def _read_label_names(schema: pa.Schema) -> dict[str, list[str]]:
    # Only `datasets` writes this, and it knows fewer types than Parquet does.
    has_features = b"huggingface" in (schema.metadata or {})
    return find_label_names(Features.from_arrow_schema(schema)) if has_features else {}


def find_label_names(features: Features) -> dict[str, list[str]]:
    """Return the names behind the ids of each column of labels."""
    return {name: feature.names for name, feature in features.items() if isinstance(feature, ClassLabel)}


def convert_table(
    table: pa.Table, wanted: Sequence[str], *, source_name: Path | str, label_names: Mapping[str, Sequence[str]]
) -> pa.Table:
    """Return the wanted columns as text.

    Args:
        table: holds the columns.
        wanted: their names.
        source_name: the file, for messages.
        label_names: of the columns that hold label ids.

    Raises:
        DataError: a column holds lists or the like.
        pyarrow.ArrowException: the values are damaged.
    """
    for name in wanted:
        kind = table.schema.field(name).type
        if not is_text_type(kind):
            raise DataError(
                f"{source_name}: {name!r} must be text or a number, found {kind}; name another column, or turn "
                "it into text"
            )
    columns = {
        name: pa.chunked_array(
            [to_text_array(chunk, label_names=label_names.get(name)) for chunk in table.column(name).chunks],
            type=pa.large_string(),
        )
        for name in wanted
    }
    return pa.table(columns)
