"""Load recipes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hf_newscls.recipe.loading import read_recipe
from hf_newscls.recipe.recipe import Recipe


def load_recipe(
    name_or_path: str | Path,
    *,
    data: str | Path | None = None,
    overrides: Mapping[str, object] | Sequence[str] = (),
) -> Recipe:
    """Load a recipe, with what it extends and with overrides, and validate it.

    Args:
        name_or_path: the name of a recipe, such as `quickstart`, or the path of a .yaml file.
        data: the news file; replaces `data.source`.
        overrides: values by their keys, as in `{"training_arguments.learning_rate": 1e-5}`, or a list of
            `section.key=value` as on the command line.

    Raises:
        RecipeError: there is no such recipe, or its values cannot be used; the message lists all of them.

    >>> load_recipe("quickstart", overrides={"model.max_length": 32}).model.max_length
    32
    """
    return read_recipe(str(name_or_path), overrides, source=None if data is None else str(data))


def to_recipe(recipe: Recipe | str | Path) -> Recipe:
    """Return a recipe, which may be given by its name or path.

    Raises:
        RecipeError: it cannot be loaded.
    """
    return recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
