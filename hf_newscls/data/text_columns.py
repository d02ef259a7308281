"""The text of a row of a file: its columns, how they are joined, and which values stand for nothing."""

from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

import pyarrow as pa
from pydantic import Field, TypeAdapter, ValidationError

from hf_newscls.data.cleaning import join_columns
from hf_newscls.data.missing_values import clear_column
from hf_newscls.errors import ModelError
from hf_newscls.recipe.data import DataSection


@dataclass(frozen=True)
class TextColumns:
    """How the text of a row is built. It is published with a model, which can then read files like those of training.

    Attributes:
        columns: the columns that are joined, in this order.
        separator: between two columns; empty ones are skipped.
        missing_values: values that stand for nothing, such as nan, and are read as empty.
    """

    columns: Annotated[list[str], Field(min_length=1)]
    separator: str = ". "
    missing_values: list[str] = field(default_factory=list)

    def join(self, table: pa.Table) -> list[str]:
        """Return the text of each row; "" if all of its columns are empty.

        >>> table = pa.table({"title": ["Storm hits coast", None], "body": ["nan", None]})
        >>> TextColumns(["title", "body"], missing_values=["nan"]).join(table)
        ['Storm hits coast', '']
        """
        columns = [clear_column(table.column(name), self.missing_values).to_pylist() for name in self.columns]
        return [join_columns(values, separator=self.separator) for values in zip(*columns, strict=True)]

    def to_config(self) -> dict[str, Any]:
        """Return the entry `text` for the model's config."""
        return asdict(self)


def build_text_columns(section: DataSection) -> TextColumns:
    """Return how the texts of a recipe are built.

    >>> build_text_columns(DataSection(source="news.csv", text=["title", "body"], label="category")).columns
    ['title', 'body']
    """
    return TextColumns(section.text, section.separator, section.missing_values or [])


def parse_text_columns(config: Any, *, model: str) -> TextColumns | None:
    """Return what the entry `hf_newscls` of a model's config says about the text; None if it says nothing.

    Raises:
        ModelError: it has an entry `text` of another form.
    """
    entry = config.get("text") if isinstance(config, dict) else None
    if entry is None:
        return None
    try:
        return TypeAdapter(TextColumns).validate_python(entry)
    except ValidationError as error:
        fault = error.errors()[0]
        raise ModelError(
            f"{model}: hf_newscls.text in config.json is {entry!r} ({'.'.join(map(str, fault['loc']))}: {fault['msg']})"
            "; name the columns with --text"
        ) from error
