"""Render HTML from the templates that the package carries."""

from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

__all__ = ["render_web_page"]


def render_web_page(package: str, path: str, **values: Any) -> str:
    """Fill in a template; whatever is put in is escaped, unless it is markup already.

    A value that the template wants and does not get is an error. The filters are percent, score, count, and points:
    hundredths with a sign.

    Args:
        package: that carries the file, as in `hf_newscls`.
        path: of the file, inside the package's folder.
        values: by the names the template gives them.
    """
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=True)
    environment.filters |= {
        "percent": "{:.1%}".format,
        "score": "{:.4f}".format,
        "count": "{:,}".format,
        "points": lambda fraction: f"{100 * fraction:+.1f}",
    }
    return environment.from_string(files(package).joinpath(path).read_text("utf-8")).render(**values)
