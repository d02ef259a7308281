"""Put any text into Markdown so that it shows as it is written."""

import re
from urllib.parse import quote

from hf_newscls.errors import show_direction_marks

# "$" and "=": the Hub and GitHub render text between dollar signs as a formula; a line of "=" makes a heading.
_MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]<>&()#+!|~$=-])")
_NUMBERED = re.compile(r"^(\d+)\.(?=\s|$)")
_BREAKS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"
# Other characters, such as brackets and line breaks, would end the link.
_ADDRESS_SAFE = "!#$%&'*+,-./:;=?@_~"


def escape_markdown(text: str) -> str:
    r"""Escape Markdown and HTML markup, on one line. Right-to-left text leaves the direction of the line unchanged.

    >>> escape_markdown("<b> A | B_C")
    '\\<b\\> A \\| B\\_C'
    >>> escape_markdown("1. one")
    '1\\. one'
    """
    line = _NUMBERED.sub(r"\1\\.", _MARKDOWN_SPECIAL.sub(r"\\\1", _join_lines(text)))
    return f"{_FIRST_STRONG_ISOLATE}{line}{_POP_ISOLATE}" if _RIGHT_TO_LEFT.search(line) else line


def to_code(text: str) -> str:
    """Return a text as inline code; not for table cells, where `|` ends the cell.

    >>> to_code("a`b.csv")
    '``a`b.csv``'
    """
    line = _join_lines(text)
    ticks = _outnumber_ticks(line, least=1)
    padding = " " if line[:1] == "`" or line[-1:] == "`" else ""
    return f"{ticks}{padding}{line}{padding}{ticks}"


def to_fence(text: str, language: str = "") -> str:
    """Return lines as a code block; backticks in them do not end it."""
    ticks = _outnumber_ticks(text, least=3)
    return f"{ticks}{language}\n{text.strip()}\n{ticks}"


def to_link(address: str) -> str:
    """Escape an address for the brackets of a link.

    >>> to_link("https://news.example/a set (2016)")
    'https://news.example/a%20set%20%282016%29'
    """
    return quote(address, safe=_ADDRESS_SAFE)


def _join_lines(text: str) -> str:
    return _BREAKS.sub(" ", show_direction_marks(text)).strip()


def _outnumber_ticks(text: str, *, least: int) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)
