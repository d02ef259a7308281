"""Find recipes by name or path and read them."""

from collections.abc import Sequence
from pathlib import Path

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError

from hf_newscls.errors import RecipeError, suggest_name
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.recipe.renamed_keys import rename_old_keys
from hf_newscls.recipe.validation_errors import explain_validation_error

__all__ = ["find_recipe", "find_recipes", "is_recipe_path", "read_purpose", "read_recipe", "read_run_recipe"]


_SHOWN_KEYS = 5


def find_recipes() -> dict[str, Path]:
    """Return the recipes that come with the package, by name, sorted."""
    # The wheel carries them inside the package; a checkout keeps them at the top level.
    package = Path(__file__).parents[1]
    folder = next(path for path in (package / "recipes", package.parent / "recipes") if path.is_dir())
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def is_recipe_path(name_or_path: str) -> bool:
    """Tell whether a recipe is given by path, which ends in .yaml or .yml, and not by name."""
    return name_or_path.endswith((".yaml", ".yml"))


def find_recipe(name_or_path: str, *, beside: Path | None = None) -> Path:
    """Return the file of a recipe given by name or by path.

    Args:
        name_or_path: a name such as `quickstart`, or a path that ends in .yaml or .yml.
        beside: a recipe file; names and relative paths are looked for beside it first.

    Raises:
        RecipeError: there is no such recipe.
    """
    if beside is not None:
        by_path, by_name = beside.parent / name_or_path, beside.parent / f"{name_or_path}.yaml"
        if by_path.is_file():
            return by_path
        # A recipe of the user's own may extend the one of the same name that comes with the package.
        if by_name.is_file() and not by_name.samefile(beside):
            return by_name
    if is_recipe_path(name_or_path):
        path = Path(name_or_path)
        if path.is_file():
            return path
        raise RecipeError(f"{name_or_path}: must be a recipe file, found none; check the path")
    recipes = find_recipes()
    if name_or_path in recipes:
        return recipes[name_or_path]
    suggestion = suggest_name(name_or_path, [*recipes])
    hint = f"did you mean {suggestion!r}?" if suggestion else "`hf-newscls recipes` lists them"
    raise RecipeError(f"recipe: must be a known name or the path of a .yaml file, got {name_or_path!r}; {hint}")


def read_recipe(name_or_path: str, overrides: Sequence[str] = (), *, source: str | None = None) -> Recipe:
    """Read a recipe, what it extends and the overrides, and check the whole.

    Args:
        name_or_path: a name such as `quickstart`, or the path of a YAML file.
        overrides: `section.key=value` each, the value written as in YAML.
        source: takes the place of `data.source`, whatever characters a path may have.

    Raises:
        RecipeError: one error that names everything that is wrong.
    """
    path = find_recipe(name_or_path)
    source_name = _name_source(path, overrides)
    own = _read_with_parents(path, seen=())
    try:
        config = OmegaConf.merge(own, _parse_overrides(overrides))
        content = OmegaConf.to_container(config, resolve=True)
    except (OmegaConfBaseException, TypeError) as error:
        raise RecipeError(
            f"{source_name}: must resolve, got {_first_line(error)}; check the overrides and each ${{…}}"
        ) from error
    if source is not None and isinstance(content, dict) and isinstance(content.get("data"), dict):
        content["data"]["source"] = source
    return _validate(content, source_name)


def read_run_recipe(path: Path) -> Recipe:
    """Read the recipe.yaml of a run folder; one of an earlier version may use names that recipes no longer use.

    Raises:
        RecipeError: it cannot be read.
    """
    content = OmegaConf.to_container(_read_yaml(path), resolve=True)
    assert isinstance(content, dict)
    return _validate(rename_old_keys({str(key): value for key, value in content.items()}), _shorten_path(path))


def _validate(content: object, source_name: str) -> Recipe:
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        raise RecipeError(explain_validation_error(error, source_name=source_name)) from error


def read_purpose(path: Path) -> str:
    """Return the first line of a recipe's header that is not the schema's, without checking the recipe."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#") and "yaml-language-server" not in line:
            return line.lstrip("# ").rstrip()
    return ""


def _read_with_parents(path: Path, *, seen: tuple[Path, ...]) -> DictConfig:
    if path.resolve() in seen:
        raise RecipeError(f"{path}: `extends` must not lead back to the recipe itself; remove one of the links")
    config = _read_yaml(path)
    parent = config.pop("extends", None)
    if parent is None:
        return config
    try:
        parent_path = find_recipe(str(parent), beside=path)
    except RecipeError as error:
        raise RecipeError(f"{_shorten_path(path)}, `extends`: {error}") from error
    parent_config = _read_with_parents(parent_path, seen=(*seen, path.resolve()))
    merged = OmegaConf.merge(parent_config, config)
    assert isinstance(merged, DictConfig)
    return merged


def _read_yaml(path: Path) -> DictConfig:
    try:
        config = OmegaConf.load(path)
    except (yaml.YAMLError, UnicodeDecodeError, OSError, OmegaConfBaseException) as error:
        raise RecipeError(f"{path}: must be a YAML file, got {' '.join(str(error).split())}; mend it there") from error
    if not isinstance(config, DictConfig):
        raise RecipeError(f"{path}: must hold the sections of a recipe, found {type(config).__name__}; see recipes/")
    return config


def _parse_overrides(overrides: Sequence[str]) -> DictConfig:
    for override in overrides:
        key, equals, _ = override.partition("=")
        if not equals or not all(part.isidentifier() for part in key.split(".")):
            raise RecipeError(f"override: must have the form section.key=value, got {override!r}; write it so")
    try:
        return OmegaConf.from_dotlist([*overrides])
    except (yaml.YAMLError, OmegaConfBaseException) as error:
        raise RecipeError(
            f"override: must be valid YAML after `=`, got {_first_line(error)}; quote the value"
        ) from error


def _name_source(path: Path, overrides: Sequence[str]) -> str:
    """Name the file and the keys that were changed, for either may hold what is wrong."""
    keys = list(dict.fromkeys(override.partition("=")[0] for override in overrides))
    shown = ", ".join(keys[:_SHOWN_KEYS]) + (f" and {len(keys) - _SHOWN_KEYS} more" if keys[_SHOWN_KEYS:] else "")
    return f"{_shorten_path(path)} with {shown} overridden" if keys else _shorten_path(path)


def _shorten_path(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
