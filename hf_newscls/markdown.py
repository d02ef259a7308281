"""Render Markdown from the templates that the package carries."""

import json
import re
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template

__all__ = ["escape_markdown", "load_template"]

_MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]<>&()#+!|~-])")


def load_template(package: str, path: str) -> Template:
    """Return a template whose names must all be given; it knows the filters md, percent, quote, score and thousands.

    Args:
        package: that carries the file, as in `hf_newscls.hub`.
        path: of the file, inside the package's folder.
    """
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False
    )
    environment.filters |= {
        "md": escape_markdown,
        "percent": "{:.1%}".format,
        "quote": _quote,
        "score": "{:.4f}".format,
        "thousands": "{:,}".format,
    }
    return environment.from_string(files(package).joinpath(path).read_text("utf-8"))


def escape_markdown(text: str) -> str:
    r"""Escape what Markdown or HTML would take for markup, so that a label shows as it is written.

    >>> escape_markdown("<b> A | B_C")
    '\\<b\\> A \\| B\\_C'
    """
    return _MARKDOWN_SPECIAL.sub(r"\\\1", text.replace("\n", " "))


def _quote(text: str) -> str:
    """Write a text as a Python string literal in double quotes."""
    return json.dumps(text, ensure_ascii=False)
