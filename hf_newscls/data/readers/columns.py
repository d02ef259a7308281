"""Columns of text: found in a file, built block by block, converted from other types."""

import json
from collections.abc import Generator, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset, DatasetInfo, Features
from datasets.fingerprint import generate_random_fingerprint

from hf_newscls.errors import DataError, format_examples, suggest_name

# Large strings: a column of articles can exceed the 2 GiB that 32-bit offsets address.
TEXT = pa.large_string()
"""Arrow type of every column."""

READ_ROWS = 4096
"""Rows that are held as Python objects at a time."""


_ADVICE = "set data.text, data.label, data.id and data.keep to columns of the file, or for predict --text and --keep"


class Block(NamedTuple):
    """Some rows of a file, as a table of the wanted columns; null stands for an empty value.

    Messages show the `numbers` of the lines or items where the rows begin; None if only rows can be counted.
    """

    table: pa.Table
    numbers: Sequence[int] | None = None
    unit: str = "row"


Blocks = Generator[Block, None, None]
"""The rows of a file; must be closed, because a file may be open."""


def check_columns(
    source_name: Path | str, wanted: Iterable[str], found: Sequence[str], *, advice: str | None = None
) -> None:
    """Raise a DataError if a wanted column is missing or occurs twice.

    Args:
        source_name: the file, for the message.
        wanted: the columns to read.
        found: the file's columns in order.
        advice: what to do about a missing column, if more is known than its name.
    """
    wanted = [*wanted]
    for name in wanted:
        numbers = [number for number, column in enumerate(found, start=1) if column == name]
        if len(numbers) > 1:
            raise DataError(
                f"{source_name}: column {name!r} occurs {len(numbers)} times (columns {format_examples(numbers)}); "
                "rename them"
            )
    missing = [name for name in wanted if name not in found]
    if missing:
        hints = [f"did you mean {close!r} for {name!r}?" for name in missing if (close := suggest_name(name, found))]
        hints += [advice] if advice else []
        raise DataError(
            f"{source_name}: no column {format_examples(missing)} (found: {format_examples(found, limit=12) or 'none'})"
            f"; {' '.join(hints) or _ADVICE}"
        )


def name_columns(header: Sequence[str], wanted: Sequence[str] = ()) -> list[str]:
    """Return the names of the columns, without white space around them; wanted names stay as they are.

    Columns without a name are called `Unnamed: 0` and so on by their index, as in pandas.

    >>> name_columns(["", " title ", "label"])
    ['Unnamed: 0', 'title', 'label']
    """
    names = []
    for index, name in enumerate(header):
        stripped = name.strip()
        # "title" next to " title" is another column.
        names.append((name if name in wanted or stripped in header else stripped) or f"Unnamed: {index}")
    return names


def build_blocks(rows: Iterable[Sequence[Any]], names: Sequence[str], *, unit: str) -> Blocks:
    """Yield blocks of `READ_ROWS` rows, each a number and texts; the last one is shorter. Empty texts become null."""
    remaining = iter(rows)
    while block := [*islice(remaining, READ_ROWS)]:
        numbers, *columns = zip(*block, strict=True)
        arrays = [_build_array([value or None for value in column]) for column in columns]
        yield Block(pa.table(arrays, names=[*names]), numbers, unit)


def to_dataset(table: pa.Table, features: Features | None = None) -> Dataset:
    """Return a table as a `Dataset`; without `features`, the types of its columns decide them."""
    # Without a fingerprint `datasets` would pickle all rows to compute one, which only its caches on disk use.
    info, fingerprint = DatasetInfo(features=features), generate_random_fingerprint()
    return Dataset(table, info=info, fingerprint=fingerprint)


def _build_array(values: Sequence[str | None]) -> pa.Array:
    try:
        return pa.array(values, TEXT)
    except UnicodeEncodeError:
        # JSON can escape half of a surrogate pair, which UTF-8 cannot hold: it becomes the replacement character.
        whole = (value and value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for value in values)
        return pa.array(whole, TEXT)


def convert_table(
    table: pa.Table,
    wanted: Sequence[str],
    *,
    source_name: Path | str,
    label_names: Mapping[str, Sequence[str]],
    list_column: str | None = None,
) -> pa.Table:
    """Return the wanted columns as text; numbers and dates are converted, empty values become null.

    `label_names` holds the names of the labels for each column of label ids; negative ids have none. The lists in
    `list_column` become JSON.

    Raises:
        DataError: another column holds lists, or one holds other nested values.
        pyarrow.ArrowException: the values are damaged, or an id has no name.

    >>> table = pa.table({"label": [1, -1, 0]})
    >>> convert_table(table, ["label"], source_name="a.parquet", label_names={"label": ["FAKE", "REAL"]}).to_pydict()
    {'label': ['REAL', None, 'FAKE']}
    """
    for name in wanted:
        kind = table.schema.field(name).type
        if name == list_column and _is_flat_list(kind):
            continue
        if pa.types.is_nested(kind.value_type if pa.types.is_dictionary(kind) else kind):
            raise DataError(
                f"{source_name}: column {name!r} holds {kind}, not text or numbers; "
                "name another column, or convert it to text"
            )
    return pa.table({name: _convert_column(table.column(name), label_names.get(name)) for name in wanted})


def _convert_column(column: pa.ChunkedArray, label_names: Sequence[str] | None) -> pa.ChunkedArray:
    column.validate(full=True)  # Arrow does not check on reading that a file's texts are UTF-8
    if _is_flat_list(column.type):
        lists = column.to_pylist()
        if label_names is not None and pa.types.is_integer(kind := column.type.value_type):
            lists = [items and _name_ids(pa.array(items, kind), label_names).to_pylist() for items in lists]
        return pa.chunked_array([pa.array([None if items is None else write_list(items) for items in lists], TEXT)])
    if label_names is not None and pa.types.is_integer(column.type):
        return _name_ids(column, label_names)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if column.type not in {pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary()}:
        return pa.chunked_array([pa.array(map(to_text, column.to_pylist()), TEXT)])
    texts = column.cast(TEXT)  # fails on bytes that are not UTF-8
    return pc.if_else(pc.equal(texts, ""), None, texts)


def _name_ids(ids: Any, names: Sequence[str]) -> Any:
    """Return the names of label ids; null and negative ids have none."""
    return pc.take(pa.array(names, TEXT), pc.if_else(pc.less(ids, 0), None, ids))


def _is_flat_list(kind: pa.DataType) -> bool:
    return (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and not pa.types.is_nested(kind.value_type)


def write_list(items: Iterable[Any]) -> str:
    """Return a list of texts and numbers as JSON, without its empty items.

    >>> write_list(["sport", None, 3])
    '["sport", "3"]'
    """
    return json.dumps([text for item in items if (text := to_text(item))], ensure_ascii=False)


def to_text(value: Any) -> str | None:
    """Return a value as text; null, empty values and not-a-number become None."""
    return None if value is None or value == "" or value != value else str(value)
