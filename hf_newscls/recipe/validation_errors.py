"""Turn pydantic's errors into one message about a recipe."""

import re
from collections.abc import Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from hf_newscls.errors import shorten_text
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.recipe.renamed_keys import RENAMED_KEYS, RENAMED_VALUES, suggest_key
from hf_newscls.recipe.training_arguments import build_training_arguments_model


def explain_validation_error(error: ValidationError, *, source_name: str) -> str:
    """Return one message that names every error in a recipe."""
    lines = [_explain_detail(dict(detail)) for detail in error.errors()]
    if len(lines) == 1:
        return f"{source_name}: {lines[0]}"
    return f"{source_name}: {len(lines)} errors:\n" + "\n".join(f"  - {line}" for line in lines)


def _explain_detail(detail: dict[str, Any]) -> str:
    key = ".".join(map(str, detail["loc"]))
    if detail["type"] == "extra_forbidden":
        return _explain_unknown_key(key, detail["loc"])
    if detail["type"] == "missing":
        return f"{key} is missing; add it to the recipe"
    if isinstance(detail["input"], str) and (new := RENAMED_VALUES.get((key, detail["input"]))):
        return f"{key} is {detail['input']!r}, which is now called {new!r}; rename it"
    message = detail["msg"].removeprefix("Value error, ")
    requirement = _phrase_requirement(message, detail)
    if requirement.startswith("must ") or detail["type"] == "training_argument_name":
        return f"{key} is {shorten_text(repr(detail['input']), limit=80)}, but {requirement}"
    # A rule between several keys names them itself, relative to their section.
    return f"{key}.{message}" if key else message


def _phrase_requirement(message: str, detail: dict[str, Any]) -> str:
    """Return pydantic's message as what the value must be, without what it says about the value."""
    value, below = detail["input"], detail.get("ctx", {}).get("lt")
    if below == 1:
        is_percentage = isinstance(value, (int, float)) and 1 < value <= 100
        return "must be a fraction below 1" + (f"; write {value / 100:g}" if is_percentage else "")
    message = message.replace("a valid dictionary", "a mapping of keys and values")
    message = re.sub(r"(, unable to parse| after validation, not \d| or instance of \w+).*", "", message)
    return re.sub(r"^\w+ should", "must", message)


def _explain_unknown_key(key: str, location: Sequence[str | int]) -> str:
    if key in RENAMED_KEYS:
        return f"{key} is now called {RENAMED_KEYS[key]}; rename it"
    section, name = location[:-1], str(location[-1])
    suggestion = None if section else _find_section_key(name)
    if suggestion is None and (similar := suggest_key(name, _list_keys(section))):
        suggestion = ".".join(map(str, [*section, similar]))
    hint = f"did you mean {suggestion}?" if suggestion else "remove it, or see recipes/schema.json"
    return f"{key} is not a known key; {hint}"


def _find_section_key(name: str) -> str | None:
    """Return `section.name` if exactly one section has a key of this name."""
    known = {section: _list_keys([section]) for section in Recipe.model_fields}
    known["training_arguments"] = [*build_training_arguments_model().model_fields]
    sections = [section for section, keys in known.items() if name in keys]
    return f"{sections[0]}.{name}" if len(sections) == 1 else None


def _list_keys(location: Sequence[str | int]) -> list[str]:
    """Return the keys of the section at a location, or none if that is not a section."""
    section: type[BaseModel] = Recipe
    is_mapping = False  # of sections by names that users choose
    for part in location:
        if is_mapping:
            is_mapping = False
            continue
        annotation = _find_fields(section)[str(part)].annotation
        kinds = get_args(annotation) or (annotation,)
        sections = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if not sections:
            return []
        section, is_mapping = sections[0], get_origin(annotation) is dict
    return [] if is_mapping else [*_find_fields(section)]


def _find_fields(section: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of a section by their keys."""
    return {field.alias or name: field for name, field in section.model_fields.items()}
