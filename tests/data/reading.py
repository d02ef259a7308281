"""Read news files as most tests do: the rows, without what was found of the files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from datasets import Dataset

from hf_newscls.data.readers.format import ReadOptions
from hf_newscls.data.readers.rows import FileRows, RowNumbers, read_files


def read_rows(
    paths: Path | Sequence[Path],
    *,
    columns: Sequence[str],
    id_column: str | None = None,
    **options: Any,
) -> Dataset:
    """Return the rows of files; `options` are those of `ReadOptions`."""
    return read_files(paths, columns=columns, id_column=id_column, options=ReadOptions(**options)).dataset


def number_rows(dataset: Dataset) -> FileRows:
    """Return rows as if they were read from a file that only counts them."""
    numbers = pa.chunked_array([range(1, len(dataset) + 1)])
    return FileRows(dataset, [], [RowNumbers(Path("news.csv"), "row", numbers)])
