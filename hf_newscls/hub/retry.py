"""What can go wrong between here and the Hub: what is worth another try, and how it is told."""

import logging
import re
import time
from collections.abc import Callable
from json import JSONDecodeError
from typing import TypeVar

from huggingface_hub import get_token
from huggingface_hub.errors import (  # type: ignore[attr-defined] # HTTPError, the base of what its HTTP client raises
    HfHubHTTPError,
    HTTPError,
    OfflineModeIsEnabled,
)

from hf_newscls.errors import PublishError

__all__ = ["HUB_FAILURES", "TOKEN_PATTERN", "call_hub", "has_answered", "refuse"]

# huggingface_hub raises a bare RuntimeError where a large file cannot be sent.
HUB_FAILURES = (HTTPError, OSError, ValueError, RuntimeError)
"""What huggingface_hub raises."""

TOKEN_PATTERN = re.compile(r"\bhf_[A-Za-z0-9]{30,}")
"""How an access token of the Hub looks."""

# What follows the question mark can be a signature, with which anybody reads or writes the file for a while.
_SIGNED = re.compile(r"(https?://[^\s?]+)\?[^\s'\")>]+")
_ATTEMPTS = 3
_PATIENCE_SECONDS = 30.0
_LONGEST_WAIT_SECONDS = 60.0
_CONFLICT = 412
_LOWEST_FAILURE = 500
_TRANSIENT = frozenset({408, _CONFLICT, 429, 500, 502, 503, 504})
_REASON_LENGTH = 300

logger = logging.getLogger(__name__)

T = TypeVar("T")


def call_hub(action: Callable[[], T], *, what: str, remedy: str = "try again later") -> T:
    """Do something on the Hub, again where it failed in a way that passes: at most three times, with growing waits.

    The client tries single requests again by itself, so `action` may be a whole sequence of them. It must do no harm
    when it is repeated after it has succeeded: an answer can be lost. After half a minute only a conflict, where
    somebody else was quicker, is worth another try: the client has waited long enough for all else.

    Args:
        action: what is done.
        what: the Hub must do, for the message, as in "take the push to owner/name".
        remedy: what the user can do, for the message.

    Raises:
        PublishError: the Hub refused, or could not be reached.
    """
    start = time.monotonic()
    attempt = 0
    while True:
        attempt += 1
        try:
            return action()
        except PublishError:
            raise
        except HUB_FAILURES as error:
            is_late = time.monotonic() - start > _PATIENCE_SECONDS and not _is_conflict(error)
            if attempt == _ATTEMPTS or is_late or not _is_transient(error):
                raise refuse(what, error, remedy=remedy) from error
            wait = _choose_wait(error, attempt)
            logger.info("the Hub did not %s (%s); trying again in %.0f s", what, type(error).__name__, wait)
            time.sleep(wait)


def refuse(what: str, error: Exception, *, remedy: str) -> PublishError:
    """Return the error that says what the Hub did not do; access tokens and signatures of addresses are blotted out."""
    reason = " ".join(f"{error} {error.__cause__ or ''}".split())
    token = get_token()
    reason = TOKEN_PATTERN.sub("hf_…", reason.replace(token, "hf_…") if token else reason)
    reason = _SIGNED.sub(r"\1?…", reason)[:_REASON_LENGTH]
    return PublishError(f"Hub: it must {what}, got {type(error).__name__} ({reason}); {remedy}")


def has_answered(error: PublishError) -> bool:
    """Return whether the Hub gave the answer itself that it did not like what it was asked."""
    cause = error.__cause__
    return isinstance(cause, HfHubHTTPError) and cause.response.status_code < _LOWEST_FAILURE


def _is_transient(error: Exception) -> bool:
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in _TRANSIENT
    if isinstance(error, OfflineModeIsEnabled):
        return False
    # An answer that is no JSON comes from something between here and the Hub.
    return isinstance(error, (HTTPError, ConnectionError, TimeoutError, JSONDecodeError))


def _is_conflict(error: Exception) -> bool:
    """Return whether somebody else was quicker: the Hub is well, and what was uploaded is there for the next try."""
    return isinstance(error, HfHubHTTPError) and error.response.status_code == _CONFLICT


def _choose_wait(error: Exception, attempt: int) -> float:
    """Return the seconds that the Hub asks for, else one that doubles."""
    asked = error.response.headers.get("Retry-After", "") if isinstance(error, HfHubHTTPError) else ""
    return min(float(asked), _LONGEST_WAIT_SECONDS) if asked.isdigit() else float(2 ** (attempt - 1))
