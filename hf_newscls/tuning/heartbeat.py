"""Signs of life of running trials, for hosts without a common disk, where file locks do not work."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna.trial import Trial

ALIVE = "alive"
"""The user attribute of a trial with the time of its last sign of life, in seconds since 1970."""
_BEAT_EVERY, _DEAD_AFTER = 60.0, 600.0  # seconds

logger = logging.getLogger(__name__)


@contextmanager
def beating(trial: Trial) -> Iterator[None]:
    """Give a sign of life of a trial every minute, for as long as the context lasts."""
    is_over = threading.Event()
    thread = threading.Thread(target=_beat, args=(trial, is_over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def is_dead(trial: Trial) -> bool:
    """Return whether a running trial gave no sign of life for ten minutes, counted from now if it never gave one."""
    seen = trial.user_attrs.get(ALIVE)
    if seen is None:
        _give_sign(trial)
        return False
    return time.time() - float(seen) > _DEAD_AFTER


def _beat(trial: Trial, is_over: threading.Event) -> None:
    while not is_over.is_set():
        _give_sign(trial)
        is_over.wait(_BEAT_EVERY)


def _give_sign(trial: Trial) -> None:
    """Store the time, unless the trial has ended; the next sign makes up for one that the storage refuses."""
    from optuna.exceptions import OptunaError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        trial.set_user_attr(ALIVE, time.time())
    except (OptunaError, SQLAlchemyError, OSError) as error:
        logger.debug("trial %d: the time could not be stored: %s", trial.number, error)
