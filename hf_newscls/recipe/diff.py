"""In which keys two recipes differ."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from hf_newscls.recipe.recipe import Recipe

__all__ = ["RecipeChange", "find_changes"]


@dataclass(frozen=True)
class RecipeChange:
    """A key that two recipes give other values.

    Attributes:
        key: as `section.key`.
        before: the value of the one; None also where it has none.
        now: that of the other.
    """

    key: str
    before: Any
    now: Any

    def __repr__(self) -> str:
        """Tell the change as an error does."""
        return f"{self.key} ({self.before!r}, now {self.now!r})"


def find_changes(before: Recipe, now: Recipe, *, exclude: Collection[str]) -> list[RecipeChange]:
    """Return the keys with other values, in alphabetical order.

    Args:
        before: the one recipe.
        now: the other one.
        exclude: top-level keys that may differ.
    """
    old, new = (_flatten(recipe.model_dump(mode="json", exclude={*exclude})) for recipe in (before, now))
    keys = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    return [RecipeChange(key, old.get(key), new.get(key)) for key in keys]


def _flatten(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return `section.key` to value.

    >>> _flatten({"a": {"b": 1, "c": {"d": [2]}}})
    {'a.b': 1, 'a.c.d': [2]}
    """
    flat: dict[str, Any] = {}
    for key, value in content.items():
        flat |= _flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return flat
