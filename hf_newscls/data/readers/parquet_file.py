"""Read Parquet in blocks; label ids become the names that the file gives them."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import ClassLabel, Features

from hf_newscls.data.readers.columns import Block, Blocks, check_columns, convert_table
from hf_newscls.data.readers.compression import check_unpacked_size, open_data
from hf_newscls.errors import DataError

# Small, because a file can repeat one long value in all rows with a few bytes.
_BATCH_ROWS = 256


def read_parquet_blocks(path: Path, wanted: Sequence[str], *, list_column: str | None = None) -> Blocks:
    """Yield the wanted columns of a Parquet file as text, block by block, in the file's order.

    Parquet is read from its end, so a compressed file is unpacked into memory as a whole.

    Raises:
        DataError: the file is damaged, lacks a column, or holds lists in another one than `list_column`.
    """
    with open_data(path) as opened:
        source = pa.BufferReader(opened.stream.read()) if opened.is_compressed else path
    try:
        with pq.ParquetFile(source) as file:
            check_unpacked_size(path, _count_bytes(file.metadata), packed=path.stat().st_size)
            schema = file.schema_arrow
            check_columns(path, wanted, schema.names)
            # Only `datasets` writes this key, and it knows fewer types than Parquet.
            has_features = b"huggingface" in (schema.metadata or {})
            label_names = find_label_names(Features.from_arrow_schema(schema)) if has_features else {}
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=[*wanted]):
                table = pa.Table.from_batches([batch])
                yield Block(
                    convert_table(table, wanted, source_name=path, label_names=label_names, list_column=list_column)
                )
    except DataError:
        raise
    except (OSError, ValueError, TypeError, KeyError, pa.ArrowException) as error:
        raise DataError(f"{path}: not a whole Parquet file ({error}); fetch it again") from error


def _count_bytes(metadata: pq.FileMetaData) -> int:
    """Return the number of bytes that the columns unpack to, as the file says."""
    return sum(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups))


def find_label_names(features: Features) -> dict[str, list[str]]:
    """Return the names of the labels for each column of label ids, or of lists of them."""
    inner = {name: getattr(feature, "feature", feature) for name, feature in features.items()}
    return {name: feature.names for name, feature in inner.items() if isinstance(feature, ClassLabel)}
