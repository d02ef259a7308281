"""What can be predicted as a whole: files, a dataset, standard input."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeAlias

from hf_newscls.errors import InputError, SourceError

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset

    from hf_newscls.recipe.recipe import Recipe

    Rows: TypeAlias = str | Path | Sequence[str | Path] | Dataset | TextIO
    """Addresses of files, a dataset, or a stream of lines."""


@dataclass(frozen=True)
class RowInput:
    """Rows that can be read in blocks of named columns, all as text."""

    name: str  # for messages
    fingerprint: str | None  # of the content and how it is read; None if it can be read only once
    read_blocks: Callable[[Sequence[str]], Iterator[pa.Table]]
    only_column: str | None = None  # the column of rows that have no other
    paths: Sequence[Path] = ()  # of files


def open_rows(source: Rows, *, recipe: Recipe | None) -> RowInput:
    """Return files, read as a recipe says, the rows of a dataset, or the lines of a stream.

    Raises:
        SourceError: a file does not exist or cannot be fetched.
    """
    from datasets import Dataset

    if isinstance(source, Dataset):
        return open_dataset(source)
    return open_files(source, recipe) if isinstance(source, (str, Path, Sequence)) else open_stream(source)


def open_files(addresses: str | Path | Sequence[str | Path], recipe: Recipe | None) -> RowInput:
    """Return files, fetched if needed; an address is whatever `data.source` takes.

    Raises:
        SourceError: a file does not exist or cannot be fetched.
    """
    from hf_newscls.data.preparation import build_read_options
    from hf_newscls.data.readers.format import ReadOptions
    from hf_newscls.data.readers.row_blocks import read_row_blocks
    from hf_newscls.data.sources.fetch import fetch_source
    from hf_newscls.data.sources.hub import PASS_THE_PATH

    listed = [addresses] if isinstance(addresses, (str, Path)) else addresses
    try:
        source = fetch_source([str(address) for address in listed], pool_splits=True)
    except SourceError as error:  # its advice is about recipes
        message = str(error).replace(PASS_THE_PATH, "pass its path").replace("data.source", "--input")
        raise SourceError(message) from error
    options = build_read_options(recipe.data) if recipe else ReadOptions()
    fingerprint = f"{source.sha256} read with {options}"
    return RowInput(
        source.name,
        fingerprint,
        lambda columns: read_row_blocks(source.paths, columns, options=options),
        paths=source.paths,
    )


def open_dataset(dataset: Dataset) -> RowInput:
    """Return the rows of a dataset; labels become their names."""
    from hf_newscls.data.readers.row_blocks import read_dataset_blocks

    return RowInput("dataset", dataset._fingerprint, lambda columns: read_dataset_blocks(dataset, columns))


def iterate_lines(stream: TextIO) -> Iterator[str]:
    """Yield the lines of a stream as they come, without their ends.

    Raises:
        InputError: a line is not UTF-8, or longer than a text can be.
    """
    from hf_newscls.data.readers.encoding.text_file import MAX_CHARACTERS

    number = 1
    try:
        for line in iter(partial(stream.readline, MAX_CHARACTERS + 1), ""):
            if len(line) > MAX_CHARACTERS:
                raise InputError(
                    f"standard input: line {number} has more than {MAX_CHARACTERS:,} characters; shorten it"
                )
            line.encode()  # in an ASCII locale, other bytes arrive as surrogates
            yield line.rstrip("\r\n")
            number += 1
    except UnicodeError as error:
        raise InputError(f"standard input: line {number} is not UTF-8; convert it, for example with iconv") from error


def open_stream(stream: TextIO) -> RowInput:
    """Return the lines of a stream: JSON Lines if the first one begins with `{`, else texts."""
    from hf_newscls.data.readers.line_stream import LINE, LineStream
    from hf_newscls.data.readers.row_blocks import BLOCK_BYTES, BLOCK_ROWS, cut_blocks

    lines = LineStream(iterate_lines(stream))

    def read(columns: Sequence[str]) -> Iterator[pa.Table]:
        """Read the stream, once."""
        return cut_blocks(lines.read_blocks(columns), max_rows=BLOCK_ROWS, max_bytes=BLOCK_BYTES)

    return RowInput("standard input", None, read, only_column=None if lines.is_json else LINE)
