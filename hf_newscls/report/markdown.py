"""Render Markdown from the templates that the package carries."""

import json
import re
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined

__all__ = ["escape_markdown", "render_template", "to_code", "to_fence", "to_link"]

# "$" and "=": the Hub and GitHub set what stands between dollars as a formula, and a line of "=" makes a heading.
_MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]<>&()#+!|~$=-])")
_NUMBERED = re.compile(r"^(\d+)\.(?=\s|$)")
_BREAKS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")
# Marks that turn the direction of all that follows them on the line.
_TURNS = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"
# What an address may hold; the rest, brackets and line breaks among it, would end the link around it.
_ADDRESS_SAFE = "!#$%&'*+,-./:;=?@_~"


def render_template(package: str, path: str, **values: Any) -> str:
    """Fill in a template; a value that it wants and does not get is an error.

    The filters are md, code, fence, link, percent, score, count and quote.

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
        "code": to_code,
        "fence": to_fence,
        "link": to_link,
        "percent": "{:.1%}".format,
        "score": "{:.4f}".format,
        "count": "{:,}".format,
        "quote": _quote,
    }
    template = environment.from_string(files(package).joinpath(path).read_text("utf-8"))
    return template.render(**values)


def escape_markdown(text: str) -> str:
    r"""Escape what Markdown or HTML would take for markup, so that a label shows as it is written, on one line.

    A text with letters written from right to left does not turn what stands beside it.

    >>> escape_markdown("<b> A | B_C")
    '\\<b\\> A \\| B\\_C'
    >>> escape_markdown("1. one")
    '1\\. one'
    """
    line = _NUMBERED.sub(r"\1\\.", _MARKDOWN_SPECIAL.sub(r"\\\1", _join_lines(text)))
    return f"{_FIRST_STRONG_ISOLATE}{line}{_POP_ISOLATE}" if _RIGHT_TO_LEFT.search(line) else line


def to_code(text: str) -> str:
    """Write a text as code within a paragraph, where nothing in it is markup; in a table a bar would end the cell.

    >>> to_code("a`b.csv")
    '``a`b.csv``'
    """
    line = _join_lines(text)
    ticks = _outnumber_ticks(line, least=1)
    room = " " if line[:1] == "`" or line[-1:] == "`" else ""
    return f"{ticks}{room}{line}{room}{ticks}"


def to_fence(text: str, language: str = "") -> str:
    """Write lines as a block of code that none of them ends."""
    ticks = _outnumber_ticks(text, least=3)
    return f"{ticks}{language}\n{text.strip()}\n{ticks}"


def to_link(address: str) -> str:
    """Write an address as what stands between the brackets of a link.

    >>> to_link("https://news.example/a set (2016)")
    'https://news.example/a%20set%20%282016%29'
    """
    return quote(address, safe=_ADDRESS_SAFE)


def _join_lines(text: str) -> str:
    return _BREAKS.sub(" ", _TURNS.sub("", text)).strip()


def _outnumber_ticks(text: str, *, least: int) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)


def _quote(text: str) -> str:
    """Write a text as a Python string literal in double quotes."""
    return json.dumps(text, ensure_ascii=False)
