"""The errors of hf_newscls, one tree.

::

    NewsclsError                      the command line exits with its `exit_code`
    ├── InputError (ValueError)       2: the user's input cannot be used
    │   ├── RecipeError               the recipe is wrong or contradicts itself
    │   ├── SourceError (OSError)     the data file does not exist or cannot be fetched
    │   ├── DataError                 the content of the data file does not fit the recipe
    │   ├── ModelError (OSError)      the model cannot be found or loaded
    │   ├── LibraryError (ImportError) a library is missing, or its version does not fit
    │   ├── RunError                  the run folder is missing, incomplete or of another version
    │   └── StorageError (OSError)    the disk is full or read-only, or a file is where a folder must be
    ├── PublishError (RuntimeError)   1: the Hub refused the push or cannot be reached
    ├── JobError (RuntimeError)       1: a job on the Hub could not be started or has failed
    │   └── JobDetached               130: Ctrl-C ended the following of a job, which goes on
    └── TrainingInterrupted           128 + signal: a signal stopped the training after a checkpoint was saved

Any other error is a fault of this program: the command line prints its type, keeps the traceback in a file, and exits
with 70.

A message says what failed, the value found and the fix: ``news.csv: no column 'label' (found: title, text); set
data.label``.
"""

import difflib
import re
import signal
from collections.abc import Iterable, Sequence

_DIRECTION_MARKS = re.compile(r"[\u202a-\u202e\u2066-\u2069]")


class NewsclsError(Exception):
    """Base of all errors of hf_newscls."""

    exit_code = 1


class InputError(NewsclsError, ValueError):
    """The user's input cannot be used."""

    exit_code = 2


class RecipeError(InputError):
    """The recipe is wrong or contradicts itself."""


class SourceError(InputError, OSError):
    """The data file does not exist or cannot be fetched."""


class DataError(InputError):
    """The content of the data file does not fit the recipe."""


class ModelError(InputError, OSError):
    """The model cannot be found or loaded."""


class LibraryError(InputError, ImportError):
    """A library is missing, or its version does not fit."""


class RunError(InputError):
    """The run folder is missing, incomplete or of another version."""


class StorageError(InputError, OSError):
    """The disk is full or read-only, or a file is where a folder must be."""


class PublishError(NewsclsError, RuntimeError):
    """The Hub refused the push or cannot be reached."""


class JobError(NewsclsError, RuntimeError):
    """A job on the Hub could not be started, has failed, or can no longer be followed."""


class JobDetached(JobError):
    """Ctrl-C ended the following of a job; the job goes on."""

    exit_code = 128 + signal.SIGINT


class TrainingInterrupted(NewsclsError):
    """A signal stopped the training after a checkpoint was saved; the run can be resumed.

    The exit code is the one that a shell gives: 130 for SIGINT, 143 for SIGTERM.
    """

    def __init__(self, message: str, *, signal_number: int = signal.SIGINT) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


def format_examples(values: Iterable[object], *, limit: int = 5) -> str:
    """Return the repr of at most `limit` values, and their total when there are more.

    >>> format_examples(["a", "b"])
    "'a', 'b'"
    >>> format_examples(range(7), limit=2)
    '0, 1, … (7 in all)'
    """
    shown = [repr(value) for value in values]
    if len(shown) <= limit:
        return ", ".join(shown)
    return f"{', '.join(shown[:limit])}, … ({len(shown)} in all)"


def count_noun(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> count_noun(1, "thread"), count_noun(1200, "row")
    ('1 thread', '1,200 rows')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def format_duration(seconds: float) -> str:
    """Return a duration, rounded: seconds up to two minutes, then minutes, with hours from one hour on.

    >>> format_duration(41.4), format_duration(670), format_duration(4790)
    ('41 s', '11 min', '1 h 20 min')
    """
    if seconds < 119.5:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def shorten_text(text: object, *, limit: int = 200) -> str:
    r"""Return a text, or the message of an error, in one line of at most `limit` characters.

    >>> shorten_text("two\n lines"), shorten_text("abcdef", limit=4)
    ('two lines', 'abc…')
    """
    line = show_direction_marks(" ".join(str(text).split()))
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def show_direction_marks(text: str) -> str:
    r"""Return a text with the marks that change the direction of writing made visible: they can hide what it says.

    >>> show_direction_marks("fake\u202eeurt")
    'fake[U+202E]eurt'
    """
    return _DIRECTION_MARKS.sub(lambda mark: f"[U+{ord(mark[0]):04X}]", text)


def suggest_name(name: str, known: Sequence[str]) -> str | None:
    """Return the known name closest to `name`, or None if none is close.

    Case and surrounding white space are ignored.

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


def suggest_fix(name: str, known: Sequence[str], *, otherwise: str) -> str:
    """Ask for the known name closest to `name`; return `otherwise` if none is close.

    >>> suggest_fix("titel", ["text", "title"], otherwise="name a column")
    "did you mean 'title'?"
    """
    close = suggest_name(name, known)
    return f"did you mean {close!r}?" if close else otherwise
