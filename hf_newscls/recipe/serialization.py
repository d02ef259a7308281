"""Recipes as YAML, and their JSON schema for editors."""

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from hf_newscls.recipe.recipe import Recipe
from hf_newscls.recipe.training_arguments import build_training_arguments_model


def recipe_to_yaml(recipe: Recipe) -> str:
    """Return the recipe as YAML with all defaults written out; reading it gives an equal recipe."""
    return content_to_yaml(escape_interpolations(recipe.model_dump(mode="json")))


def content_to_yaml(content: Mapping[str, Any]) -> str:
    """Return the content of a recipe file, in which interpolations are escaped, as YAML."""
    return yaml.dump(dict(content), Dumper=_RecipeDumper, sort_keys=False, allow_unicode=True, width=120)


def build_schema() -> str:
    """Return the JSON schema of recipe files, the content of `recipes/schema.json`."""
    schema = Recipe.model_json_schema()
    arguments = build_training_arguments_model().model_json_schema(ref_template="#/$defs/{model}")
    schema["$defs"] |= arguments.pop("$defs", {})
    schema["properties"]["training_arguments"] = {**arguments, "title": "TrainingArguments"}
    schema["properties"] = {"extends": {"type": "string", "title": "Recipe to start from"}, **schema["properties"]}
    # A recipe that extends another one may leave out any key.
    for section in (schema, *schema["$defs"].values()):
        section.pop("required", None)
    # Descriptions are docstrings: their line breaks mean nothing.
    return json.dumps(schema, indent=2, ensure_ascii=False).replace("\\n", " ") + "\n"


class _RecipeDumper(yaml.SafeDumper):
    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Quote texts such as 1e3, which are numbers to OmegaConf but not to PyYAML, and unprintable ones."""
        style = '"' if re.match(r"[-+.\d]", text) or not text.isprintable() else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_RecipeDumper.add_representer(str, _RecipeDumper.represent_text)


def escape_interpolations(content: Any) -> Any:
    """Escape `${` in all texts, which OmegaConf would resolve, and double the backslashes before it."""
    if isinstance(content, dict):
        return {key: escape_interpolations(value) for key, value in content.items()}
    if isinstance(content, list):
        return [escape_interpolations(value) for value in content]
    return re.sub(r"(\\*)\$\{", r"\1\1\\${", content) if isinstance(content, str) else content
