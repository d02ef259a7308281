"""What the first lines of a CSV file say: its separator, and the names of its columns."""

import csv
import sys
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from hf_newscls.data.readers.columns import name_columns
from hf_newscls.data.readers.encoding.text_file import TextFile
from hf_newscls.errors import DataError, format_examples
from hf_newscls.recipe.files import CsvSection

if TYPE_CHECKING:
    from _csv import Reader

_SEPARATORS = ",;\t|"
_SAMPLE_LINES = 100
_LONGEST_NAME = 40


def parse_records(
    lines: Iterable[str], separator: str, section: CsvSection, *, max_characters: int | None = None
) -> "Reader":
    """Return an iterator over the records in the lines; unless values have a limit, faults are ignored."""
    # The default limit of 131,072 characters is shorter than some articles; it can only be set for the process.
    csv.field_size_limit(max_characters or sys.maxsize)
    return csv.reader(
        lines,
        delimiter=separator,
        quoting=csv.QUOTE_NONE if section.quoting == "none" else csv.QUOTE_MINIMAL,
        escapechar="\\" if section.escape == "backslash" else None,
        strict=max_characters is not None,
    )


def find_separator(file: TextFile, wanted: Sequence[str], section: CsvSection) -> str:
    """Return the character between two fields.

    A file named .tsv has tabs, and so has one column without a header, whose texts hold commas. In another file, it is
    the separator with which the header holds the wanted columns; without a header, the one with which all of the first
    lines have a field for each column. If none fits, it is a comma if the header has one, else the most frequent
    separator.

    Raises:
        DataError: several separators fit.
    """
    if section.separator is not None:
        return section.separator
    if file.name.lower().endswith(".tsv") or len(section.columns or []) == 1:
        return "\t"
    fitting = [one for one in _SEPARATORS if _fits(_read_sample(file, one, section), wanted, section)]
    if len(fitting) > 1:
        raise DataError(
            f"{file.path}: the separator can be {format_examples(fitting)}; set `data.csv.separator` to one of them"
        )
    if fitting:
        return fitting[0]
    widths = {one: len(next(iter(_read_sample(file, one, section)), [])) for one in _SEPARATORS}
    return "," if widths[","] > 1 else max(_SEPARATORS, key=widths.__getitem__)


def advise_on_header(file: TextFile, separator: str, section: CsvSection) -> str | None:
    """Say what to do if the first line looks like a row; None if it looks like a header."""
    header, *rows = _read_sample(file, separator, section) or [[]]
    is_data = any(
        _is_number(name) or len(name) > _LONGEST_NAME or any(row[index : index + 1] == [name] for row in rows)
        for index, name in enumerate(header)
        if name
    )
    if not is_data:
        return None
    return (
        "the first line looks like a row, not like a header; if it is one, name "
        f"{'its column' if len(header) == 1 else f'all {len(header)} columns in order'} with "
        f"`data.csv.columns: [{', '.join(f'column{index}' for index in range(1, len(header) + 1))}]`"
    )


def refuse_header(file: TextFile, separator: str, section: CsvSection) -> None:
    """Raise a DataError if a file that should have no header begins with a name of its columns."""
    if section.columns is None:
        return
    first = next(iter(_read_sample(file, separator, section)), [])
    named = [name for name, value in zip(section.columns, first, strict=False) if value.strip() == name]
    if named:
        raise DataError(
            f"{file.path}: the first line holds {format_examples(named)} of `data.csv.columns`, so it is a header; "
            "remove the key"
        )


def _read_sample(file: TextFile, separator: str, section: CsvSection) -> list[list[str]]:
    """Return the records in the first lines that are not empty; faults are ignored."""
    with file.open() as stream:
        lines = [*islice((line for line in file.iterate_lines(stream) if line.strip("\r\n")), _SAMPLE_LINES)]
    records = [*parse_records(lines, separator, section)]
    return records[:-1] if len(lines) == _SAMPLE_LINES and len(records) > 1 else records  # the last one may be cut off


def _fits(sample: Sequence[Sequence[str]], wanted: Sequence[str], section: CsvSection) -> bool:
    if not sample or len(sample[0]) == 1:
        return False
    if section.columns is None:
        return {*wanted}.issubset(name_columns(sample[0], wanted))
    return all(len(record) == len(section.columns) for record in sample)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
