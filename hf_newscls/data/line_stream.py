"""Read a stream, such as standard input, block by block: JSON Lines, or one text a line."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import pyarrow as pa

from hf_newscls.data.readers.columns import build_blocks, check_columns, to_text
from hf_newscls.data.readers.json_file.form import find_field, list_fields
from hf_newscls.errors import DataError

LINE = "text"
"""Column of a stream of texts."""

_NAME = "standard input"


class LineStream:
    """Lines without their ends; only one block is held.

    Attributes:
        is_json: whether the first line begins with `{`; then each line is an object, else a text.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        remaining = iter(lines)
        first = [*islice(remaining, 1)]
        self.is_json = "".join(first).lstrip().startswith("{")
        self._lines = chain(first, remaining)

    def read_blocks(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield the named columns as text; null stands for an empty value. An empty line is a row, except in JSON.

        Raises:
            DataError: a line is not a JSON object, or the first one has no such column.
        """
        if not self.is_json:
            check_columns(_NAME, columns, [LINE])
            rows: Iterator[Sequence[Any]] = ([number, line] for number, line in enumerate(self._lines, start=1))
            columns = [LINE]
        else:
            rows = self._read_objects(columns)
        return (block.table for block in build_blocks(rows, columns, unit="line"))

    def _read_objects(self, columns: Sequence[str]) -> Iterator[Sequence[Any]]:
        for number, line in enumerate(self._lines, start=1):
            if not line.strip():
                continue
            record = _parse(line, number)
            if number == 1:
                check_columns(_NAME, columns, list_fields(record))
            yield [number, *(to_text(find_field(record, name)) for name in columns)]


def _parse(line: str, number: int) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise DataError(f"{_NAME}: line {number} is not JSON ({error}); each line must be an object") from error
    if not isinstance(record, dict):
        raise DataError(f"{_NAME}: line {number} is {type(record).__name__}, but each line must be a JSON object")
    return record
