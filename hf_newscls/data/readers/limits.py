"""Refuse rows that no news file has: values without an end, or far more text than the file has bytes."""

from contextlib import closing
from pathlib import Path

import pyarrow.compute as pc

from hf_newscls.data.readers.columns import Block, Blocks
from hf_newscls.data.readers.compression import check_unpacked_size
from hf_newscls.data.readers.encoding.text_file import build_long_error


def limit_blocks(blocks: Blocks, path: Path, *, max_characters: int) -> Blocks:
    """Yield the blocks of a file or folder, and close them.

    Raises:
        DataError: a value is longer than `max_characters`, or the rows so far have far more bytes than the file.
    """
    packed, unpacked, rows = None if path.is_dir() else path.stat().st_size, 0, 0
    with closing(blocks):
        for block in blocks:
            _check_lengths(block, path, first_row=rows + 1, max_characters=max_characters)
            unpacked += block.table.nbytes
            if packed is not None:
                check_unpacked_size(path, unpacked, packed=packed)  # Parquet and Excel repeat values in a few bytes
            rows += len(block.table)
            yield block


def _check_lengths(block: Block, path: Path, *, first_row: int, max_characters: int) -> None:
    """Refuse a value that is too long."""
    for name, column in zip(block.table.column_names, block.table.columns, strict=True):
        # The number of bytes, which is quick to find, is never the smaller one.
        if (pc.max(pc.binary_length(column)).as_py() or 0) <= max_characters:
            continue
        lengths = pc.utf8_length(column)
        if pc.max(lengths).as_py() > max_characters:
            index = pc.index(pc.greater(lengths, max_characters), True).as_py()
            number = block.numbers[index] if block.numbers else first_row + index
            raise build_long_error(f"{path}: {block.unit} {number}: column {name!r}", max_characters)
