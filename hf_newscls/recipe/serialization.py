"""Write recipes as YAML, and the JSON schema for editors."""

import json
import re
from typing import Any

import yaml

from hf_newscls.recipe.recipe import Recipe
from hf_newscls.recipe.training_arguments import build_training_arguments_model

__all__ = ["build_schema", "recipe_to_yaml"]


def recipe_to_yaml(recipe: Recipe) -> str:
    """Return the recipe as YAML with every default written out; reading it gives the same recipe."""
    content = _escape_interpolations(recipe.model_dump(mode="json"))
    return yaml.dump(content, Dumper=_RecipeDumper, sort_keys=False, allow_unicode=True, width=120)


def build_schema() -> str:
    """Return the JSON Schema of recipe files, for editors and for `recipes/schema.json`."""
    schema = Recipe.model_json_schema()
    arguments = build_training_arguments_model().model_json_schema(ref_template="#/$defs/{model}")
    schema["$defs"] |= arguments.pop("$defs", {})
    schema["properties"]["training_arguments"] = {**arguments, "title": "TrainingArguments"}
    schema["properties"] = {"extends": {"type": "string", "title": "Recipe to start from"}, **schema["properties"]}
    # A recipe that extends another may leave out what the other says, in every section.
    for section in (schema, *schema["$defs"].values()):
        section.pop("required", None)
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


class _RecipeDumper(yaml.SafeDumper):
    """Quotes what OmegaConf would read as a number and PyYAML would not, as 1e3."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Quote what another reader of YAML may take for a number, and what cannot be printed."""
        style = '"' if re.match(r"[-+.\d]", text) or not text.isprintable() else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_RecipeDumper.add_representer(str, _RecipeDumper.represent_text)


def _escape_interpolations(content: Any) -> Any:
    """Escape ${ in all texts, for OmegaConf would resolve it; backslashes before it are doubled."""
    if isinstance(content, dict):
        return {key: _escape_interpolations(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_escape_interpolations(value) for value in content]
    if isinstance(content, str):
        return re.sub(r"(\\*)\$\{", lambda match: match[1] * 2 + "\\${", content)
    return content
