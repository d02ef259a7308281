"""The errors of hf_newscls, one tree.

::

    NewsclsError                      the command line ends with its `exit_code`
    ├── InputError (ValueError)       2: something the user gave cannot be used
    │   ├── RecipeError               the recipe is wrong or contradicts itself
    │   ├── SourceError (OSError)     the data file is not there or cannot be fetched
    │   ├── DataError                 the data file's content does not fit the recipe
    │   ├── ModelError (OSError)      the model cannot be found or loaded
    │   ├── RunError                  the run folder is missing or incomplete
    │   └── StorageError (OSError)    the disk is full
    ├── PublishError (RuntimeError)   1: the Hub refused or could not be reached
    └── TrainingInterrupted           130: a signal stopped the training, a checkpoint was written

Every message has the form ``where: what must hold, got value; what to do``.
"""

import difflib
from collections.abc import Iterable, Sequence

__all__ = [
    "DataError",
    "InputError",
    "ModelError",
    "NewsclsError",
    "PublishError",
    "RecipeError",
    "RunError",
    "SourceError",
    "StorageError",
    "TrainingInterrupted",
    "format_examples",
    "suggest_name",
]


class NewsclsError(Exception):
    """Base of all errors of hf_newscls."""

    exit_code = 1


class InputError(NewsclsError, ValueError):
    """Something the user gave cannot be used."""

    exit_code = 2


class RecipeError(InputError):
    """The recipe is wrong or contradicts itself."""


class SourceError(InputError, OSError):
    """The data file is not there or cannot be fetched."""


class DataError(InputError):
    """The content of the data file does not fit the recipe."""


class ModelError(InputError, OSError):
    """The model cannot be found or loaded."""


class RunError(InputError):
    """The run folder is missing or incomplete."""


class StorageError(InputError, OSError):
    """The disk is full."""


class PublishError(NewsclsError, RuntimeError):
    """The Hub refused what was published or could not be reached."""


class TrainingInterrupted(NewsclsError):
    """A signal stopped the training; it goes on from the checkpoint that was written."""

    exit_code = 130


def format_examples(offenders: Iterable[object], *, limit: int = 5) -> str:
    """List at most `limit` offenders by their repr, then their total.

    >>> format_examples(["a", "b"])
    "'a', 'b'"
    >>> format_examples(range(7), limit=2)
    '0, 1, … (7 in all)'
    """
    shown = [repr(offender) for offender in offenders]
    if len(shown) <= limit:
        return ", ".join(shown)
    return f"{', '.join(shown[:limit])}, … ({len(shown)} in all)"


def suggest_name(name: str, known: Sequence[str]) -> str | None:
    """Return the known name that `name` was most likely meant to be, or None.

    A name that differs only in case or in surrounding white space wins over one that is merely similar.

    >>> suggest_name(" Title", ["text", "title"])
    'title'
    >>> suggest_name("quikstart", ["quickstart", "fake_news_bert"])
    'quickstart'
    >>> suggest_name("xyz", ["quickstart"]) is None
    True
    """
    by_folded = {candidate.strip().casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(name.strip().casefold(), by_folded, n=1)
    return by_folded[close[0]] if close else None
