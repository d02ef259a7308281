"""Find out how a JSON file holds its records, and reach fields inside fields."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import Any

from hf_newscls.data.readers.columns import check_columns
from hf_newscls.data.readers.encoding.text_file import TextFile
from hf_newscls.data.readers.json_file.stream import MAX_LEVELS, JsonStream, build_json_error
from hf_newscls.errors import DataError, format_examples

# A longer first line is not parsed to find out whether the file holds lines: it can be the whole file.
_LINE_CHARACTERS = 1 << 18
# Python's int refuses numbers of more than 4,300 digits.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)


class Form(Enum):
    """How a JSON file holds its records."""

    LINES = auto()
    ARRAY = auto()
    OBJECTS = auto()  # in a row, each on several lines
    TABLE = auto()  # one object of columns, each an object or an array: pandas' orient="columns"
    WRAPPED = auto()  # an array inside an object


def find_form(file: TextFile, wanted: Sequence[str]) -> Form:
    """Return the form of a file, whose first object is read to its end if it is not a line.

    Raises:
        DataError: the object is invalid JSON, or wraps the records.
    """
    with file.open(newline=None) as stream:
        lines = (line for line in iter(partial(stream.readline, _LINE_CHARACTERS), "") if not line.isspace())
        first, has_more = next(lines, ""), next(lines, None) is not None
    if first.lstrip()[:1] == "[":
        return Form.ARRAY
    line = _judge_line(first)
    if first.lstrip()[:1] != "{" or line is _Line.BROKEN or (line is _Line.WHOLE and has_more):
        return Form.LINES
    with file.open(newline=None) as stream:
        values = JsonStream(stream, _DECODER, max_characters=file.max_row)
        values.skip_space()
        try:
            form = _judge_object(file.path, values, wanted)
        except (json.JSONDecodeError, RecursionError) as error:
            raise build_json_error(file.path, values, error) from error
    return Form.LINES if line is _Line.WHOLE and form is Form.OBJECTS else form


def find_field(record: Mapping[str, Any], name: str) -> Any:
    """Return a value of a record, or of an object inside it; None if there is none, and a list on the way as it is.

    >>> find_field({"source": {"name": "AP"}, "a.b": 1}, "source.name"), find_field({"a.b": 1}, "a.b")
    ('AP', 1)
    """
    outer, period, inner = name.partition(".")
    if name in record or not period:
        return record.get(name)
    value = record.get(outer)
    return find_field(value, inner) if isinstance(value, Mapping) else value if isinstance(value, list) else None


def list_fields(record: Mapping[str, Any], *, levels: int = MAX_LEVELS) -> list[str]:
    """Return the names of the values of a record and of the objects inside it, as deep as `levels`."""
    inner = {
        name: list_fields(value, levels=levels - 1) if levels and isinstance(value, Mapping) else []
        for name, value in record.items()
    }
    return [field for name, fields in inner.items() for field in [name, *(f"{name}.{field}" for field in fields)]]


def list_arrays(file: TextFile) -> list[str]:
    """Return the paths of the arrays of objects inside the first object of a file."""
    with file.open(newline=None) as stream:
        values = JsonStream(stream, _DECODER, max_characters=file.max_row)
        return [*_find_arrays(values.read_outline())] if values.skip_space() == "{" else []


def read_table(source_name: Path | str, table: Mapping[str, Any], wanted: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the records of a table of columns.

    Raises:
        DataError: a column is missing, or two have different rows.
    """
    check_columns(source_name, wanted, [*table])
    columns = {name: table[name] for name in wanted}
    rows = {name: _list_rows(column) for name, column in columns.items()}
    first = rows[wanted[0]]
    different = [name for name in wanted if rows[name] != first]
    if different:
        raise DataError(
            f"{source_name}: columns {format_examples([wanted[0], *different])} have different rows; write the "
            "file again, as JSON lines"
        )
    for row in first:
        yield {name: column[row] for name, column in columns.items()}


def _list_rows(column: Any) -> list[Any]:
    """Return the keys of a column's values; none if it is a value itself."""
    return [*column] if isinstance(column, dict) else [*range(len(column))] if isinstance(column, list) else []


class _Line(Enum):
    WHOLE = auto()  # a JSON value
    CUT = auto()  # the beginning of one
    BROKEN = auto()


def _judge_line(line: str) -> _Line:
    try:
        _DECODER.decode(line)
    except json.JSONDecodeError as error:
        is_cut = error.msg.startswith("Unterminated string") or error.pos >= len(line.rstrip())
        return _Line.CUT if is_cut else _Line.BROKEN
    except RecursionError:
        return _Line.BROKEN
    return _Line.WHOLE


def _judge_object(path: Path, values: JsonStream, wanted: Sequence[str]) -> Form:
    """Return the form of a file that begins with an object."""
    matching, arrays, is_table = 0, dict[str, Mapping[str, Any]](), True
    for name, value in values.read_outline():
        matching += name in wanted
        is_table = is_table and ("." in name or isinstance(value, (dict, list)))
        arrays |= _find_arrays([(name, value)])
    if values.skip_space():  # another object follows
        return Form.OBJECTS
    found = {key: sum(find_field(item, name) is not None for name in wanted) for key, item in arrays.items()}
    best = max(found, key=found.__getitem__, default=None)
    if best and found[best] >= matching:
        raise DataError(
            f"{path}: the records are inside an object, in the key {format_examples(arrays)}; set "
            f"`data.json.records: {best}`"
        )
    return Form.TABLE if is_table else Form.OBJECTS


def _find_arrays(outline: Iterable[tuple[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return the first item of each array of objects."""
    arrays = [(name, value) for name, value in outline if isinstance(value, list) and value]
    return {name: value[0] for name, value in arrays if isinstance(value[0], dict)}
