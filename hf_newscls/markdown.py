"""Render Markdown from the templates that the package carries."""

import json
import re
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

__all__ = ["escape_markdown", "render_template"]

_MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]<>&()#+!|~-])")


def render_template(package: str, path: str, **values: Any) -> str:
    """Fill in a template; a value that it wants and does not get is an error.

    The filters are md, percent, score, count and quote.

    Args:
        package: that carries the file, as in `hf_newscls.hub`.
        path: of the file, inside the package's folder.
        values: by the names the template gives them.
    """
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False
    )
    environment.filters |= {
        "md": escape_markdown,
        "percent": "{:.1%}".format,
        "score": "{:.4f}".format,
        "count": "{:,}".format,
        "quote": _quote,
    }
    template = environment.from_string(files(package).joinpath(path).read_text("utf-8"))
    return template.render(**values)


def escape_markdown(text: str) -> str:
    r"""Escape what Markdown or HTML would take for markup, so that a label shows as it is written.

    >>> escape_markdown("<b> A | B_C")
    '\\<b\\> A \\| B\\_C'
    """
    return _MARKDOWN_SPECIAL.sub(r"\\\1", text.replace("\n", " "))


def _quote(text: str) -> str:
    """Write a text as a Python string literal in double quotes."""
    return json.dumps(text, ensure_ascii=False)
