"""What all sections of a recipe have in common."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

__all__ = ["RESERVED_COLUMNS", "FreeColumnName", "Section", "Sha256", "check_free_column"]

RESERVED_COLUMNS = frozenset({"id", "text", "label", "duplicate_group"})


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def check_free_column(name: str | None) -> str | None:
    """Refuse the name of a column that every prepared row has."""
    if name in RESERVED_COLUMNS:
        raise ValueError(f"must not name a column that every row has, found {name}; rename it in the file")
    return name


FreeColumnName = Annotated[str, Field(min_length=1), AfterValidator(check_free_column)]


class Section(BaseModel):
    """Base of all sections: unknown keys are refused, and nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)
