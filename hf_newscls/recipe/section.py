"""The base class of all recipe sections, and the field types that several sections use."""

from collections import Counter
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from hf_newscls.errors import format_examples

RESERVED_COLUMNS = frozenset({"id", "text", "label", "duplicate_group"})
"""Columns that every prepared row has."""

K = TypeVar("K")
T = TypeVar("T")


def _check_not_reserved(name: str) -> str:
    if name in RESERVED_COLUMNS:
        raise ValueError("must not be a reserved column name; rename the column in the file")
    return name


def check_unique(names: list[str] | None) -> list[str] | None:
    """Refuse a list that names something twice; None is no list."""
    if repeated := sorted(name for name, count in Counter(names or []).items() if count > 1):
        raise ValueError(f"must not repeat {format_examples(repeated)}")
    return names


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
ColumnName = Annotated[str, Field(min_length=1)]
FreeColumnName = Annotated[ColumnName, AfterValidator(_check_not_reserved)]

# YAML reads 1 and true as a number and a truth value. The readers write such values of a file as the same text.
LabelName = Annotated[
    str,
    BeforeValidator(lambda value: str(value) if isinstance(value, (bool, int, float)) else value),
    Field(json_schema_extra={"type": ["string", "number", "boolean"]}),
]

# A recipe that extends another one resets an inherited collection by writing null.
NullableList = Annotated[
    list[T],
    BeforeValidator(lambda value: [] if value is None else value),
    Field(json_schema_extra={"type": ["array", "null"]}),
]
NullableDict = Annotated[
    dict[K, T],
    BeforeValidator(lambda value: {} if value is None else value),
    Field(json_schema_extra={"type": ["object", "null"]}),
]


class Section(BaseModel):
    """Base of all sections: unknown keys are refused, and values cannot change."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, serialize_by_alias=True)
