"""The keys in which two recipes differ."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hf_newscls.recipe.recipe import Recipe

NOT_OF_THE_TRAINING = frozenset({"name", "data", "evaluation", "hub"})
"""What may differ between two recipes on one split. `split` is compared, because its seed is the training's
default seed. The split's fingerprint covers the rest of `split`, and `data`."""


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
    """Return the keys with different values, in alphabetical order; those in `exclude`, or below, are not compared.

    A new section is shown by its keys, and one that is left out as `section` without a value.
    """
    ignored = tuple(f"{key}." for key in exclude)
    changes = _compare(before.model_dump(mode="json"), now.model_dump(mode="json"))
    return [change for change in changes if not f"{change.key}.".startswith(ignored)]


def _compare(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> Iterator[RecipeChange]:
    for key in sorted(before.keys() | now.keys()):
        old, new = before.get(key), now.get(key)
        if isinstance(new, Mapping) and (old is None or isinstance(old, Mapping)):
            yield from _compare(old or {}, new, f"{prefix}{key}.")
        elif old != new:
            yield RecipeChange(prefix + key, old, new)
