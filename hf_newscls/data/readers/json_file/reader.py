"""Read JSON in blocks, and report the line and column of a fault.

Python's `json` does the parsing: pandas and pyarrow turn 1.10 into 1.1, and neither notices a key that occurs twice.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hf_newscls.data.readers.columns import Blocks, build_blocks, check_columns, to_text, write_list
from hf_newscls.data.readers.encoding.text_file import TextFile
from hf_newscls.data.readers.json_file.form import Form, find_field, find_form, list_arrays, list_fields, read_table
from hf_newscls.data.readers.json_file.stream import JsonStream, build_json_error, describe_fault
from hf_newscls.errors import DataError, format_examples

_CONSTANTS = {"NaN": None, "Infinity": "Infinity", "-Infinity": "-Infinity"}


def read_json_blocks(
    file: TextFile, wanted: Sequence[str], *, records: str | None = None, list_column: str | None = None
) -> Blocks:
    """Yield the wanted columns of a JSON file, block by block, in the file's order.

    The file holds lines, one array, objects in a row, or a table (pandas' orient="columns"); or objects with an array
    at the key `records`. Numbers become the text they are written as, true and false become True and False. A record
    may leave columns out, but every column must occur in some record. source.title is a field inside another one.

    Raises:
        DataError: invalid JSON, a record that is not an object or has a column twice, a nested value instead of text
            (a list of texts in `list_column` becomes JSON), a column that never occurs, or records that an object
            wraps, whose key is not given.
    """
    reader, has_rows = RecordReader(file.path, wanted, list_column=list_column), False
    form = Form.WRAPPED if records else find_form(file, wanted)
    with file.open(newline=None) as stream:
        if form is Form.LINES:
            rows, unit = reader.read_lines(file.iterate_lines(stream)), "line"
        else:
            # A table is one value, as long as the file.
            values = JsonStream(stream, reader.decoder, max_characters=None if form is Form.TABLE else file.max_row)
            rows, unit = reader.read_items(values, form, (records or "").split(".")), "item"
        for block in build_blocks(rows, wanted, unit=unit):
            has_rows = True
            yield block
    if has_rows:
        check_columns(file.path, wanted, [*reader.names])
    elif records:
        found = format_examples(list_arrays(file)) or "none"
        raise DataError(
            f"{file.path}: no records in the key {records!r} of data.json.records (arrays of objects found: {found}); "
            "correct the key, or set `data.json.records: null` if no object wraps the records"
        )


def _is_nested(value: Any) -> bool:
    return isinstance(value, (list, dict))


class RecordReader:
    """Takes the wanted texts out of records, and collects the `names` of columns and the records with a fault."""

    def __init__(self, source_name: Path | str, wanted: Sequence[str], *, list_column: str | None = None) -> None:
        self.names: dict[str, None] = {}
        self._source_name, self._wanted, self._list_column = source_name, wanted, list_column
        self._inner = {name for name in wanted if "." in name}  # without those that occurred
        self._find = find_field if self._inner else dict.get
        self._keys = {*wanted, *(key for name in self._inner for key in name.split("."))}
        self._repeated: set[str] = set()
        self._faulty: list[int] = []
        self._first_fault = ""
        self.decoder = json.JSONDecoder(
            object_pairs_hook=self._build_object,
            parse_int=str,
            parse_float=str,
            parse_constant=_CONSTANTS.__getitem__,
        )

    def read_lines(self, lines: Iterable[str]) -> Iterator[Sequence[Any]]:
        """Yield number and texts of each line; raise at the end if lines could not be used."""
        for number, line in enumerate(lines, start=1):
            if not line.isspace():
                yield from self.read_line(number, line)
        self.refuse_faults("line")

    def read_line(self, number: int, line: str) -> Iterator[Sequence[Any]]:
        """Yield number and texts of a line, unless it has a fault."""
        try:
            record = self.decoder.decode(line)
        except (json.JSONDecodeError, RecursionError) as error:
            column = min(getattr(error, "pos", 0), len(line.rstrip())) + 1
            self._note(number, f"column {column}: {describe_fault(error)}")
        else:
            yield from self._take(number, record)

    def read_items(self, values: JsonStream, form: Form, path: Sequence[str]) -> Iterator[Sequence[Any]]:
        """Yield index and texts of each item; raise at the end if items could not be used.

        If an object wraps the array, `path` has the keys that lead to it.
        """
        try:
            for number, record in enumerate(self._iterate(values, form, path)):
                yield from self._take(number, record)
        except (json.JSONDecodeError, RecursionError) as error:
            self.refuse_faults("item")
            raise build_json_error(self._source_name, values, error) from error
        self.refuse_faults("item")

    def _iterate(self, values: JsonStream, form: Form, path: Sequence[str]) -> Iterator[Any]:
        values.skip_space()
        if form is Form.OBJECTS:
            yield from values.read_values()
        elif form is Form.TABLE:
            yield from read_table(self._source_name, values.read_value(), self._wanted)
        elif form is Form.ARRAY:
            yield from values.read_items()
        else:
            while values.skip_space():
                yield from values.read_items_at(path)
        if values.skip_space():
            raise values.build_error("Extra data")

    def _build_object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        record = dict(pairs)
        if len(record) < len(pairs):
            self._repeated |= {name for name, count in Counter(name for name, _ in pairs).items() if count > 1}
        return record

    def _take(self, number: int, record: Any) -> Iterator[Sequence[Any]]:
        """Yield the texts of a record, unless it has a fault."""
        repeated, self._repeated = self._repeated & self._keys, set()
        if type(record) is not dict:
            return self._note(number, f"{record!r:.60} is not a JSON object")
        if not self.names.keys() >= record.keys():
            self.names |= dict.fromkeys(list_fields(record))
        if repeated:
            return self._note(number, f"column {min(repeated)!r} occurs twice")
        values = [self._find(record, name) for name in self._wanted]
        if self._inner:
            occurring = {name for name in self._inner if find_field(record, name) is not None}
            self.names |= dict.fromkeys(occurring)
            self._inner -= occurring
        for index, (name, value) in enumerate(zip(self._wanted, values, strict=True)):
            if isinstance(value, list) and name == self._list_column and not any(map(_is_nested, value)):
                values[index] = write_list(value)
            elif _is_nested(value):
                fields = format_examples(f"{name}.{key}" for key in value) if isinstance(value, dict) else ""
                hint = f" (its fields: {fields})" if fields else ""
                return self._note(number, f"column {name!r} holds {value!r:.60}, not text or a number{hint}")
        yield [number, *[value if type(value) is str else to_text(value) for value in values]]

    def _note(self, number: int, fault: str) -> None:
        self._first_fault = self._first_fault or fault
        self._faulty.append(number)

    def refuse_faults(self, unit: str) -> None:
        """Raise a DataError if records had a fault."""
        if self._faulty:
            others = f" ({len(self._faulty)} {unit}s are faulty: {format_examples(self._faulty)})"
            raise DataError(
                f"{self._source_name}: {unit} {self._faulty[0]}: {self._first_fault}; fix it there"
                f"{others if len(self._faulty) > 1 else ''}"
            )
