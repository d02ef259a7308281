"""Read a stream, such as standard input, block by block: JSON Lines, or one text a line."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import pyarrow as pa

from hf_newscls.data.readers.columns import build_blocks, check_columns
from hf_newscls.data.readers.json_file.reader import RecordReader

LINE = "text"
"""Column of a stream of texts."""

_NAME = "standard input"
_BYTE_ORDER_MARK = "\ufeff"


class LineStream:
    """Lines without their ends; only one block is held.

    Attributes:
        is_json: whether the first line begins with `{`; then each line is an object, else a text.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        remaining = iter(lines)
        first = [line.removeprefix(_BYTE_ORDER_MARK) for line in islice(remaining, 1)]
        self.is_json = "".join(first).lstrip().startswith("{")
        self._lines = chain(first, remaining)

    def read_blocks(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield the named columns as text; null stands for an empty value. An empty line is a row, except in JSON.

        Raises:
            DataError: a line is not a JSON object, has a column twice or a nested value instead of text, or the first
                one has no such column.
        """
        if not self.is_json:
            check_columns(_NAME, columns, [LINE])
            rows: Iterator[Sequence[Any]] = ([number, line] for number, line in enumerate(self._lines, start=1))
            columns = [LINE]
        else:
            rows = self._read_objects(columns)
        return (block.table for block in build_blocks(rows, columns, unit="line"))

    def _read_objects(self, columns: Sequence[str]) -> Iterator[Sequence[Any]]:
        reader = RecordReader(_NAME, columns)
        for number, line in enumerate(self._lines, start=1):
            if not line.strip():
                continue
            yield from reader.read_line(number, line)
            reader.refuse_faults("line")  # at once: a stream may never end
            if number == 1:
                check_columns(_NAME, columns, [*reader.names])
