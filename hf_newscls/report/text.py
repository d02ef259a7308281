"""Put texts on one line, and shorten them, for tables and pages."""

__all__ = ["flatten_text", "shorten_text"]


def flatten_text(text: str) -> str:
    r"""Return a text on one line.

    >>> flatten_text("two\n lines")
    'two lines'
    """
    return " ".join(text.split())


def shorten_text(text: str, *, max_characters: int = 200) -> str:
    """Return a text on one line, cut to `max_characters`.

    >>> shorten_text("Rail strike ends", max_characters=12)
    'Rail strike…'
    """
    line = flatten_text(text)
    return line if len(line) <= max_characters else f"{line[: max_characters - 1]}…"
