"""What the recipe's `data` section says about its files: their addresses, and how they are written."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from hf_newscls.recipe.section import ColumnName, Section, check_unique

SOURCE_KEY = "data.source"
"""Column of the rows that were read: the key of `data.source` that their file has."""

FOLDER = "folder"
"""Column of a folder of text files: the folder inside it that holds the file."""


def list_addresses(group: str | Sequence[str]) -> list[str]:
    """Return one address, or several, as a list."""
    return [group] if isinstance(group, str) else [*group]


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _check_source(source: Any) -> Any:
    # Checked here because pydantic reports one error for each type of a union.
    groups = [*source.values()] if isinstance(source, Mapping) else [source]
    lists = [group if isinstance(group, list) else [group] for group in groups]
    if not lists or not all(addresses and all(map(_is_address, addresses)) for addresses in lists):
        raise ValueError("must be an address, a list of addresses, or a mapping of splits or labels to these")
    if not isinstance(source, Mapping):
        return source
    # YAML reads the labels 0 and true as other types than text.
    keys = [str(key) for key in source]
    if not all(keys) or len({*keys}) < len(keys):
        raise ValueError("must be a mapping with different keys that are not empty")
    return dict(zip(keys, source.values(), strict=True))


_Address = Annotated[str, Field(min_length=1)]
_Addresses = _Address | Annotated[list[_Address], Field(min_length=1)]
DataSource = Annotated[
    _Addresses | Annotated[dict[str, _Addresses], Field(min_length=1)], BeforeValidator(_check_source)
]


class CsvSection(Section):
    """How a CSV file is written, where the file itself does not show it."""

    separator: str | None = Field(None, pattern=r'^([^"\x0a\x0d]|\\t)$')
    """Character between two fields; `\\t` is a tab. If unset, the header decides: comma, semicolon, tab or |."""
    quoting: Literal["minimal", "none"] | None = None
    """minimal: a field in double quotes may hold separators and line breaks. none: quotes are part of the text. If
    unset, minimal, but a quoted field with lines that look like rows is an error."""
    escape: Literal["backslash"] | None = None
    """backslash: the character after a backslash is part of the text, as MySQL writes quotes. If unset, backslashes are
    text, and a quote inside a field in quotes is doubled."""
    columns: list[ColumnName] | None = Field(None, min_length=1)
    """Names of all columns of a file without a header, in their order."""
    on_bad_lines: Literal["error", "skip"] = "error"
    """skip: lines with a wrong number of fields or a misplaced quote are left out, and counted."""

    _check_unique = field_validator("columns")(check_unique)

    @field_validator("separator")
    @classmethod
    def _read_tab(cls, separator: str | None) -> str | None:
        return "\t" if separator == "\\t" else separator


class JsonSection(Section):
    """Where the records are in a JSON file."""

    records: str | None = Field(None, min_length=1)
    """Key of the array with the records, for files that wrap it in an object. Nested keys: response.results."""
