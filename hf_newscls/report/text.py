"""Shorten and flatten texts for people."""

__all__ = ["flatten_text", "shorten_text"]

_SHOWN_CHARACTERS = 200


def shorten_text(text: str) -> str:
    """Return a text in one line, cut to 200 characters."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_CHARACTERS else f"{line[: _SHOWN_CHARACTERS - 1]}…"


def flatten_text(text: str) -> str:
    r"""Return a text in one line.

    >>> flatten_text("two\n lines")
    'two lines'
    """
    return " ".join(text.split())
