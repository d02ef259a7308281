"""Read news files as most tests do: the rows, without what was found of the files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset

from hf_newscls.data.readers.format import ReadOptions
from hf_newscls.data.readers.rows import read_files


def read_rows(
    paths: Path | Sequence[Path],
    *,
    columns: Sequence[str],
    id_column: str | None = None,
    label_column: str | None = None,
    **options: Any,
) -> Dataset:
    """Return the rows of files; `options` are those of `ReadOptions`."""
    return read_files(
        paths, columns=columns, id_column=id_column, label_column=label_column, options=ReadOptions(**options)
    ).dataset
