"""Turn pydantic errors into one message about a recipe."""

import re
from collections.abc import Sequence
from typing import Any, TypeGuard, get_args

from pydantic import BaseModel, ValidationError

from hf_newscls.errors import suggest_name
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.recipe.renamed_keys import RENAMED_KEYS
from hf_newscls.recipe.training_arguments import build_training_arguments_model

__all__ = ["explain_validation_error"]


def explain_validation_error(error: ValidationError, *, source_name: str) -> str:
    """Return one message that names everything that is wrong with a recipe."""
    lines = [_explain_one(dict(detail)) for detail in error.errors()]
    if len(lines) == 1:
        return f"{source_name}: {lines[0]}"
    return f"{source_name}: {len(lines)} things must change:\n" + "\n".join(f"  - {line}" for line in lines)


def _explain_one(detail: dict[str, Any]) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        if key in RENAMED_KEYS:
            return f"`{key}` is now called `{RENAMED_KEYS[key]}`; rename it"
        name = str(detail["loc"][-1])
        is_misplaced = len(detail["loc"]) == 1
        suggestion = (is_misplaced and _find_section_key(name)) or suggest_name(name, _known_keys(detail["loc"][:-1]))
        hint = f"did you mean `{suggestion}`?" if suggestion else "remove it, or see recipes/schema.json"
        return f"`{key}` must be a known key; {hint}"
    if detail["type"] == "missing":
        return f"`{key}` must be given; add it to the recipe"
    message = re.sub(r"^\w+ should", "must", detail["msg"].removeprefix("Value error, "))
    message = message.partition(", unable to parse")[0]  # the value is shown anyway
    shown = "" if ", got " in message or ", found " in message else f", got {_shorten(detail['input'])}"
    what, _, hint = message.partition("; ")
    # What holds between sections has no key of its own.
    subject = f"`{key}` " if key else ""
    return f"{subject}{what}{shown}; {hint or 'see recipes/schema.json'}"


def _find_section_key(name: str) -> str | None:
    """Return `section.name` of the one section that knows a name, which was written without one."""
    known = {section: _known_keys([section]) for section in Recipe.model_fields}
    known["training_arguments"] = [*build_training_arguments_model().model_fields]
    sections = [section for section, keys in known.items() if name in keys]
    return f"{sections[0]}.{name}" if len(sections) == 1 else None


def _known_keys(location: Sequence[str | int]) -> list[str]:
    fields = Recipe.model_fields
    for part in location:
        annotation = fields[str(part)].annotation
        sections = [kind for kind in get_args(annotation) or (annotation,) if _is_section(kind)]
        if not sections:
            return []
        fields = sections[0].model_fields
    return [*fields]


def _is_section(kind: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
