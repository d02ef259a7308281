"""The keys in which two recipes differ."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from hf_newscls.recipe.recipe import Recipe

NOT_OF_THE_TRAINING = frozenset({"name", "data", "evaluation", "hub"})
"""What may differ between two recipes on one split. The split's seed is not in it: it is the default seed of the
training. The rest of `data` and `split` is covered by the split's fingerprint."""


@dataclass(frozen=True)
class RecipeChange:
    """A key, as `section.key`, with different values in two recipes; None also stands for a missing key."""

    key: str
    before: Any
    now: Any

    def __repr__(self) -> str:
        """Return key and values as an error message shows them."""
        return f"{self.key} ({self.before!r}, now {self.now!r})"


def find_changes(before: Recipe, now: Recipe, *, exclude: Collection[str]) -> list[RecipeChange]:
    """Return the keys with different values, in alphabetical order; those in `exclude`, or below, are not compared."""
    old, new = (_flatten(recipe.model_dump(mode="json")) for recipe in (before, now))
    ignored = tuple(f"{key}." for key in exclude)
    keys = sorted(
        key for key in old.keys() | new.keys() if old.get(key) != new.get(key) and not f"{key}.".startswith(ignored)
    )
    return [RecipeChange(key, old.get(key), new.get(key)) for key in keys]


def _flatten(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the values by `section.key`."""
    flat: dict[str, Any] = {}
    for key, value in content.items():
        flat |= _flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return flat
