"""Put texts on one line, for tables and pages."""


def flatten_text(text: str) -> str:
    r"""Return a text on one line.

    >>> flatten_text("two\n lines")
    'two lines'
    """
    return " ".join(text.split())
