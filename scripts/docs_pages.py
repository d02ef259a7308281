"""A mkdocs hook that generates two pages from the code: the recipe reference and the command line."""

import json
import re
import subprocess
import sys
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from hf_newscls.recipe.recipe import Recipe


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for name, text in (("recipe_reference.md", write_recipe_reference()), ("command_line.md", write_command_line())):
        files.append(File.generated(config, name, content=text))
    return files


def write_command_line() -> str:
    """Return the help of every command as Markdown, as `typer utils docs` writes it."""
    command = [sys.executable, "-m", "typer", "hf_newscls.cli", "utils", "docs", "--name", "hf-newscls"]
    text = subprocess.run(command, capture_output=True, check=True, encoding="utf-8").stdout
    return re.sub(r"^# `hf-newscls`", "# Command line", text, count=1)


def write_recipe_reference() -> str:
    """Return every key of a recipe, section by section, with its type, default and meaning."""
    header = (
        "# Recipe reference\n\n"
        "A recipe is a YAML file. `extends: NAME` starts from another recipe. The command line overrides any key:\n"
        "`hf-newscls train NAME section.key=value`. Editors read the same as JSON Schema, `recipes/schema.json`.\n"
    )
    return "\n".join([header, *_describe_section(Recipe, "")])


def _describe_section(section: type[BaseModel], prefix: str) -> Iterator[str]:
    fields = {field.alias or name: field for name, field in section.model_fields.items()}
    plain = {name: field for name, field in fields.items() if _find_section(field) is None}
    yield "| Key | Type | Default | Meaning |"
    yield "|---|---|---|---|"
    for name, field in plain.items():
        meaning = re.sub(r"([|\[\]<>])", r"\\\1", field.description or "")
        kind = _name_type(field.annotation)
        yield f"| `{name}` | {kind} | {_show_default(field)} | {meaning} |"
    for name, field in fields.items():
        if (nested := _find_section(field)) is not None:
            yield f"\n## {prefix}{name}\n\n{field.description or (nested.__doc__ or '').splitlines()[0]}\n"
            yield from _describe_section(nested, f"{prefix}{name}.")


def _find_section(field: FieldInfo) -> type[BaseModel] | None:
    kinds = [field.annotation, *get_args(field.annotation)]
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _name_type(annotation: Any) -> str:
    if annotation is types.NoneType:
        return "null"
    if get_origin(annotation) in (types.UnionType, Union):
        return " or ".join(_name_type(kind) for kind in get_args(annotation))
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(annotation))
    if get_origin(annotation) is Annotated:
        return _name_type(get_args(annotation)[0])
    names = {str: "text", int: "integer", float: "number", bool: "true or false"}
    if get_origin(annotation) in (list, dict):
        return {list: "list", dict: "mapping"}[get_origin(annotation)]
    return names.get(annotation, getattr(annotation, "__name__", "any"))


def _show_default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = None if field.default is PydanticUndefined else field.default
    return f"`{json.dumps(default, ensure_ascii=False)}`"
