"""Columns of text: found in a header, built block by block, converted from other types."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from hf_newscls.errors import DataError, format_examples, suggest_name

__all__ = ["BLOCK_ROWS", "TEXT", "build_blocks", "check_columns", "is_text_type", "to_text", "to_text_array"]

# Large strings: a column of whole articles outgrows the 2 GiB that 32-bit offsets reach.
TEXT = pa.large_string()
"""Arrow type of every column."""

BLOCK_ROWS = 4096
"""Rows that are held as Python objects at a time."""


def check_columns(source_name: Path | str, wanted: Iterable[str], found: Sequence[str]) -> None:
    """Refuse a file that lacks a column, or has one twice.

    Args:
        source_name: the file, for messages.
        wanted: columns that are read.
        found: columns of the file, in its order.

    Raises:
        DataError: which columns, and which were probably meant.
    """
    wanted = [*wanted]
    repeated = [name for name in wanted if found.count(name) > 1]
    if repeated:
        first = repeated[0]
        indices = ", ".join(str(index) for index, name in enumerate(found, start=1) if name == first)
        raise DataError(
            f"{source_name}: must have each column once, found {format_examples(repeated)} repeated, {first!r} "
            "as columns "
            f"{indices}; rename them"
        )
    missing = [name for name in wanted if name not in found]
    if not missing:
        return
    hints = [f"did you mean {close!r} for {name!r}?" for name in missing if (close := suggest_name(name, found))]
    hint = " ".join(hints) or "set data.text, data.label, data.id and data.keep to columns of the file"
    shown = format_examples(found, limit=12) or "none"
    raise DataError(f"{source_name}: must have the columns {format_examples(missing)}, found {shown}; {hint}")


def build_blocks(rows: Iterable[Sequence[str | None]], names: Sequence[str]) -> Iterator[pa.Table]:
    """Yield tables of `BLOCK_ROWS` rows, the last shorter; empty texts become null.

    >>> [block.to_pydict() for block in build_blocks([("Storm", ""), (None, "REAL")], ["title", "label"])]
    [{'title': ['Storm', None], 'label': [None, 'REAL']}]
    """
    remaining = iter(rows)
    while block := [*islice(remaining, BLOCK_ROWS)]:
        columns = [[value or None for value in column] for column in zip(*block, strict=True)]
        yield pa.table([_build_array(column) for column in columns], names=[*names])


def _build_array(values: Sequence[str | None]) -> pa.Array:
    try:
        return pa.array(values, TEXT)
    except UnicodeEncodeError:
        # JSON can hold half of a surrogate pair, which no file can; it becomes the replacement character.
        whole = (value and value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for value in values)
        return pa.array(whole, TEXT)


def is_text_type(kind: pa.DataType) -> bool:
    """Tell types whose values can be taken as text, numbers and dates among them, from lists and the like."""
    if pa.types.is_dictionary(kind):
        return is_text_type(kind.value_type)
    return not pa.types.is_nested(kind)


def to_text_array(array: pa.Array, *, label_names: Sequence[str] | None = None) -> pa.Array:
    """Convert an Arrow array to text, what is empty to null.

    Args:
        array: of a type that `is_text_type` accepts.
        label_names: where the array holds label ids, the names they stand for; negative ids have none.

    Raises:
        pyarrow.ArrowException: the array is damaged, or an id has no name.

    >>> to_text_array(pa.array([1, -1, 0]), label_names=["FAKE", "REAL"]).to_pylist()
    ['REAL', None, 'FAKE']
    """
    array.validate(full=True)  # Arrow takes a file's word for it that its texts are UTF-8
    if label_names is not None and pa.types.is_integer(array.type):
        ids = pc.if_else(pc.less(array, 0), None, array)
        return pa.array(label_names, TEXT).take(ids)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if not _is_string(array.type):
        return pa.array([to_text(value) for value in array.to_pylist()], TEXT)
    texts = array.cast(TEXT)
    return pc.if_else(pc.equal(texts, ""), None, texts)


def _is_string(kind: pa.DataType) -> bool:
    # Bytes that are UTF-8 are cast; others are refused by the cast.
    return kind in {pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary()}


def to_text(value: Any) -> str | None:
    """Return a value as text; null, what is empty and not-a-number become None.

    >>> [to_text(value) for value in (7, True, "", float("nan"))]
    ['7', 'True', None, None]
    """
    if value is None or value == "" or value != value:
        return None
    return str(value)
