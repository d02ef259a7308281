"""Call the Hub: retry transient failures, and raise all others as a `PublishError`.

huggingface_hub retries listings and uploads by itself, but not the requests that create, validate or commit. After a
lost response to a commit, the branch must be read before the next attempt: `retry` therefore repeats a whole push.
"""

import logging
import re
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from json import JSONDecodeError
from typing import TypeVar

from huggingface_hub import get_token
from huggingface_hub.errors import (  # type: ignore[attr-defined] # HTTPError, the base of what its HTTP client raises
    HfHubHTTPError,
    HTTPError,
    OfflineModeIsEnabled,
)

from hf_newscls.errors import NewsclsError, PublishError, shorten_text

# A failed upload of a large file is a bare RuntimeError.
HUB_FAILURES = (HTTPError, OSError, ValueError, RuntimeError)
"""What huggingface_hub raises."""
_MISSING_FIELDS = (LookupError, TypeError, AttributeError)  # also raised by faults of our own code

TOKEN_PATTERN = re.compile(r"\bhf_[A-Za-z0-9]{30,}")
"""The form of the Hub's access tokens."""

# The query of a signed URL gives access to the file for a while.
_SIGNED_URL = re.compile(r"(https?://[^\s?]+)\?[^\s'\")>]+")
_ATTEMPTS = 3
_PATIENCE_SECONDS = 30.0
_LONGEST_WAIT_SECONDS = 60.0
_CONFLICT = 412
_TRANSIENT = {408, _CONFLICT, 429, 500, 502, 503, 504}
_REASON_LENGTH = 300

logger = logging.getLogger(__name__)

T = TypeVar("T")


def call_hub(action: Callable[[], T], *, what: str, remedy: str = "try again later") -> T:
    """Run an action on the Hub as in `retry`, with its failures as in `report_failures`."""
    return retry(report_failures(what, remedy=remedy)(action))


@contextmanager
def report_failures(what: str, *, remedy: str) -> Iterator[None]:
    """Turn what huggingface_hub raises in the block into a `PublishError`; our own errors pass."""
    try:
        yield
    except NewsclsError:
        raise
    except (*HUB_FAILURES, *_MISSING_FIELDS) as error:
        if isinstance(error, _MISSING_FIELDS) and not _is_foreign_response(error):
            raise
        raise build_publish_error(what, error, remedy=remedy) from error


def retry(action: Callable[[], T]) -> T:
    """Run an action, and retry transient failures of the Hub: at most three attempts, with growing waits.

    The action must be safe to repeat after a success, because a response can be lost. After half a minute only a
    conflict is tried again: someone else committed first, the Hub works, and the uploaded files are there already.
    """
    start = time.monotonic()
    for attempt in range(_ATTEMPTS - 1):
        try:
            return action()
        except PublishError as error:
            is_late = time.monotonic() - start > _PATIENCE_SECONDS and _find_status(error.__cause__) != _CONFLICT
            if is_late or not _is_transient(error.__cause__):
                raise
            wait = _choose_wait(error.__cause__, default=2.0**attempt)
            logger.info("trying again in %.0f s: %s", wait, error)
            time.sleep(wait)
    return action()


def build_publish_error(what: str, error: Exception, *, remedy: str) -> PublishError:
    """Return the error for an action, as in "push to owner/name"; tokens and signatures of URLs are masked."""
    reason, token = f"{error} {error.__cause__ or ''}".strip() or type(error).__name__, get_token()
    if _is_foreign_response(error):
        found = f"{type(error).__name__}: {reason}"
        reason = f"the response is not from the Hub; a proxy or a login page may have sent it ({found})"
    reason = TOKEN_PATTERN.sub("hf_…", reason.replace(token, "hf_…") if token else reason)
    reason = shorten_text(_SIGNED_URL.sub(r"\1?…", reason), limit=_REASON_LENGTH)
    return PublishError(f"Hub: could not {what}: {reason}; {remedy}")


def has_answered(error: PublishError) -> bool:
    """Return whether the Hub itself refused the request; otherwise it failed or could not be reached."""
    status = _find_status(error.__cause__)
    return status is not None and status < 500


def _find_status(cause: BaseException | None) -> int | None:
    return cause.response.status_code if isinstance(cause, HfHubHTTPError) else None


def _is_transient(cause: BaseException | None) -> bool:
    if (status := _find_status(cause)) is not None:
        return status in _TRANSIENT
    is_passing = isinstance(cause, (HTTPError, ConnectionError, TimeoutError)) or _is_foreign_response(cause)
    return is_passing and not isinstance(cause, OfflineModeIsEnabled)


def _is_foreign_response(error: BaseException | None) -> bool:
    """Return whether a response was not JSON, or lacked a field that huggingface_hub reads without a check."""
    if not isinstance(error, _MISSING_FIELDS) or error.__traceback__ is None:
        return isinstance(error, JSONDecodeError)
    *_, (innermost, _) = traceback.walk_tb(error.__traceback__)
    return str(innermost.f_globals.get("__name__")).startswith("huggingface_hub")


def _choose_wait(cause: BaseException | None, *, default: float) -> float:
    """Return the seconds that the Hub asks for, else the default."""
    asked = cause.response.headers.get("Retry-After", "") if isinstance(cause, HfHubHTTPError) else ""
    return min(float(asked), _LONGEST_WAIT_SECONDS) if asked.isdigit() else default
