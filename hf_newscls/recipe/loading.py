"""Read recipes, with what they extend and with overrides."""

import copy
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError

from hf_newscls.errors import RecipeError, shorten_text
from hf_newscls.files import check_yaml
from hf_newscls.recipe.lookup import find_recipe
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.recipe.renamed_keys import rename_old_keys
from hf_newscls.recipe.serialization import escape_interpolations
from hf_newscls.recipe.validation_errors import explain_validation_error

_SHOWN_KEYS = 5
# What describes one model or one file, and so is not inherited by another.
_DESCRIPTIONS = {("model", "model_name_or_path"): ("revision", "sha256", "base_model"), ("data", "source"): ("sha256",)}


@dataclass(frozen=True)
class RecipeDraft:
    """A recipe file with what it extends and with overrides, read once; its ${section.key} are not replaced yet."""

    path: Path
    content: DictConfig
    overrides: DictConfig
    overridden: Sequence[str]  # keys

    def build(self, values: Mapping[str, object] | None = None, *, source: str | None = None) -> Recipe:
        """Return the recipe, with values by `section.key`; `source` replaces `data.source`.

        Raises:
            RecipeError: one error that names everything that is wrong.
        """
        values = values or {}
        source_name = _name_source(self.path, [*self.overridden, *values])
        # A copy, because merging drops what describes another model.
        content = _resolve(copy.deepcopy(self.content), [self.overrides, _nest(values)], source_name)
        return _validate(content, source_name, source=source)


def read_recipe(
    name_or_path: str, overrides: Sequence[str] | Mapping[str, object] = (), *, source: str | None = None
) -> Recipe:
    """Read a recipe, with what it extends and with overrides, and validate the result.

    Overrides are texts `section.key=value`, with the value written as in YAML; or values by `section.key`, used as they
    are. `source` replaces `data.source`; any character is allowed in it.

    Raises:
        RecipeError: one error that names everything that is wrong.
    """
    if isinstance(overrides, Mapping):
        return read_draft(name_or_path).build(overrides, source=source)
    return read_draft(name_or_path, overrides).build(source=source)


def read_draft(name_or_path: str, overrides: Sequence[str] = ()) -> RecipeDraft:
    """Read a recipe, with what it extends and with overrides, as `read_recipe` does, and do not validate it yet.

    Raises:
        RecipeError: a file cannot be read, or an override has another form than section.key=value.
    """
    path = find_recipe(name_or_path)
    content, parsed = _read_with_parents(path, seen=()), _parse_overrides(overrides)
    return RecipeDraft(path, content, parsed, [override.partition("=")[0] for override in overrides])


def read_run_recipe(path: Path, *, source: str | None = None) -> Recipe:
    """Read a run's recipe.yaml, which may have the keys of an earlier version; `source` replaces `data.source`.

    Raises:
        RecipeError: it cannot be read.
    """
    source_name = _shorten_path(path)
    content = _resolve(_read_yaml(path), [], source_name)
    return _validate(rename_old_keys(content), source_name, source=source)


def read_search_space(path: Path, recipe: Recipe) -> Recipe:
    """Return the recipe with the search space of a file, which holds what `tune` holds in a recipe.

    Raises:
        RecipeError: the file is no search space, or has wrong keys or values.
    """
    config = _read_mapping(path)
    if [*config] == ["tune"] and isinstance(config.tune, DictConfig):  # copied from a recipe
        config = config.tune
    # What another file says is not repeated in messages: it may be secret.
    if {str(key).partition(".")[0] for key in config}.isdisjoint(Recipe.model_fields):
        raise RecipeError(f"{path}: not a search space, it has no section.key of a recipe; see docs/tuning.md")
    content = {**recipe.model_dump(mode="json"), "tune": OmegaConf.to_container(config)}
    return _validate(content, _shorten_path(path), source=None)


def nest_changes(overrides: Sequence[str], values: Mapping[str, object]) -> dict[str, Any]:
    """Return overrides, and values by `section.key`, as the content of a recipe file; the values win.

    Raises:
        RecipeError: a key has another form.

    >>> nest_changes(["model.max_length=32", "name=short"], {"model.head": "stock"})
    {'model': {'max_length': 32, 'head': 'stock'}, 'name': 'short'}
    """
    return dict(OmegaConf.to_container(_merge(_parse_overrides(overrides), _nest(values))))  # type: ignore[arg-type]


def _resolve(recipe: Any, changes: Sequence[Any], source_name: str) -> dict[str, Any]:
    """Return a recipe with changes, as plain values, with each ${section.key} replaced by the value of that key."""
    try:
        merged = reduce(_merge, changes, recipe)
        unresolved = OmegaConf.to_container(merged, resolve=False)
        if found := next((text for text in _list_texts(unresolved) if _has_resolver(text)), None):
            raise RecipeError(
                f"{source_name}: {shorten_text(found)!r} calls a resolver of OmegaConf, which could read the "
                "environment of this machine; write the value, or ${section.key} of another key"
            )
        content: Any = OmegaConf.to_container(merged, resolve=True)
    except (OmegaConfBaseException, TypeError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise RecipeError(
            f"{source_name}: cannot be resolved ({reason}); check the overrides and each ${{…}}"
        ) from error
    resolved: dict[str, Any] = content
    return resolved


def _list_texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, (dict, list)):
        for value in content.values() if isinstance(content, dict) else content:
            yield from _list_texts(value)


def _has_resolver(text: str) -> bool:
    r"""Return whether OmegaConf would call a function for a text, as in ${oc.env:HOME}.

    >>> [_has_resolver(text) for text in ("${data.id}", "${oc.env:HOME}", "${${data.id}:a}", r"\${not:one}")]
    [False, True, True, False]
    """
    text = re.sub(r"(?<!\\)(\\\\)*\\\$\{", "", text)  # an odd number of backslashes makes it a plain text
    while text != (text := re.sub(r"\$\{[^{}:]*\}", "", text)):  # references without a resolver, the inner ones first
        pass
    return re.search(r"\$\{[^}]*:", text) is not None


def _validate(content: dict[str, Any], source_name: str, *, source: str | None) -> Recipe:
    if source is not None and isinstance(data := content.get("data"), dict):
        content = {**content, "data": {**data, "source": source}}
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        raise RecipeError(explain_validation_error(error, source_name=source_name)) from error


def _read_with_parents(path: Path, *, seen: tuple[Path, ...]) -> Any:
    if path.resolve() in seen:
        raise RecipeError(f"{path}: `extends` leads back to this recipe; remove one of the links")
    config = _read_yaml(path)
    parent = config.pop("extends", None)
    if parent is None:
        return config
    try:
        parent_path = find_recipe(str(parent), child=path)
    except RecipeError as error:
        raise RecipeError(f"{_shorten_path(path)}: extends: {error}") from error
    return _merge(_read_with_parents(parent_path, seen=(*seen, path.resolve())), config)


def _merge(recipe: Any, change: Any) -> Any:
    """Merge two recipes, the last one wins; another model or `data.source` also replaces what describes the old one."""
    content: Any = OmegaConf.to_container(change, resolve=False)
    for (section, key), descriptions in _DESCRIPTIONS.items():
        _drop_replaced(recipe.get(section), content.get(section), [key, *descriptions])
    return OmegaConf.merge(recipe, change)


def _drop_replaced(section: Any, change: Any, names: Sequence[str]) -> None:
    """Drop these values of a section, in place, if the change has another value of the first one."""
    if not (isinstance(section, DictConfig) and isinstance(change, dict) and names[0] in change):
        return
    old: Any = OmegaConf.to_container(section, resolve=False)
    if old.get(names[0]) != change[names[0]]:
        for name in names:
            section.pop(name, None)


def _read_yaml(path: Path) -> DictConfig:
    config = _read_mapping(path)
    # What another file says is not repeated in messages: it may be secret.
    if config and {*config}.isdisjoint(["extends", *Recipe.model_fields]):
        raise RecipeError(f"{path}: not a recipe, it has no section of one; see recipes/ for examples")
    return config


def _read_mapping(path: Path) -> DictConfig:
    try:
        text = path.read_text(encoding="utf-8")
        check_yaml(text)
        config = OmegaConf.load(io.StringIO(text))
    except FileNotFoundError as error:
        raise RecipeError(f"{path}: no such file; check the path") from error
    except (yaml.YAMLError, ValueError, OSError, OmegaConfBaseException) as error:
        raise RecipeError(f"{path}: not a valid YAML file ({_describe(error)}); fix it") from error
    if not isinstance(config, DictConfig):
        raise RecipeError(f"{path}: not a mapping of keys and values; see recipes/ for examples")
    return config


def _describe(error: Exception) -> str:
    """Return the reason and the line of an error in a YAML file, without the line itself."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}, column {error.problem_mark.column + 1}: {error.problem}"
    return shorten_text(error, limit=300)


def _parse_overrides(overrides: Sequence[str]) -> DictConfig:
    for override in overrides:
        key, equals, _ = override.partition("=")
        if not equals or not _is_key(key):
            raise RecipeError(f"override {override!r} has another form than section.key=value; write it like that")
    try:
        return OmegaConf.from_dotlist([*overrides])
    except (yaml.YAMLError, OmegaConfBaseException) as error:
        reason = str(error).splitlines()[0]
        raise RecipeError(
            f"overrides {', '.join(overrides)}: not valid YAML after `=` ({reason}); quote the value"
        ) from error


def _nest(values: Mapping[str, object]) -> Any:
    """Return the values inside their sections; texts are not parsed."""
    nested = []
    for key, value in values.items():
        if not _is_key(key):
            raise RecipeError(f"override {key!r} has another form than section.key; write it like that")
        content = escape_interpolations(json.loads(json.dumps(value, default=str)))  # only types that YAML has
        for part in reversed(key.split(".")):
            content = {part: content}
        nested.append(OmegaConf.create(content))
    return OmegaConf.merge({}, *nested)


def _is_key(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def _name_source(path: Path, overridden: Iterable[str]) -> str:
    """Name the file and the overridden keys, because an error can come from either."""
    keys = list(dict.fromkeys(overridden))
    shown = ", ".join(keys[:_SHOWN_KEYS]) + (f" and {len(keys) - _SHOWN_KEYS} more" if keys[_SHOWN_KEYS:] else "")
    return f"{_shorten_path(path)} with {shown} overridden" if keys else _shorten_path(path)


def _shorten_path(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
