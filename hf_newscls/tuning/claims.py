"""Which trial a process trains next: one that a killed process left, or a new one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from hf_newscls.errors import RecipeError
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.recipe.serialization import recipe_to_yaml
from hf_newscls.storage import try_lock, write_text
from hf_newscls.tuning.heartbeat import beating, is_dead
from hf_newscls.tuning.space import Space, Values, suggest_values
from hf_newscls.tuning.study import BEGAN, REASON, VALUES, StudyFolder

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import Trial

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Claim:
    """A trial that this process trains, until its context ends."""

    trial: Trial
    folder: Path


@contextmanager
def claim_trial(
    study: Study, folder: StudyFolder, space: Space, *, read: Callable[[Values], Recipe], limit: int, is_over: bool
) -> Iterator[Claim | None]:
    """Yield a trial for this process to train: one that a killed process left, else a new one; None if none is left.

    Args:
        study: from `open_study`.
        folder: of the search.
        space: to draw values from.
        read: returns the recipe with the values of a trial.
        limit: number of trials of the whole search.
        is_over: whether no new trial may begin.
    """
    from optuna.exceptions import UpdateFinishedTrialError

    with ExitStack() as stack:
        with FileLock(folder.lock):
            claim = _take_over(study, folder, stack)
            if claim is None and not is_over:
                claim = _ask(study, folder, space, read=read, limit=limit)
                if claim is not None:
                    stack.enter_context(try_lock(claim.folder / ".lock"))
        if claim is not None:
            with suppress(UpdateFinishedTrialError):  # another host took it for dead
                claim.trial.set_user_attr(BEGAN, f"{datetime.now()}")  # again, if it was interrupted
            stack.enter_context(beating(claim.trial))
        yield claim


def _take_over(study: Study, folder: StudyFolder, stack: ExitStack) -> Claim | None:
    """Return a trial that is said to run, but that no living process holds."""
    from optuna.exceptions import UpdateFinishedTrialError
    from optuna.trial import Trial, TrialState

    for frozen in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        path = folder.name_trial(frozen.number)
        if not (path / "recipe.yaml").is_file():  # of a host with another folder, or of a process killed on the way
            trial = Trial(study, frozen._trial_id)
            if is_dead(trial):
                with suppress(UpdateFinishedTrialError):  # another host was faster
                    fail_trial(study, trial, "no sign of life for ten minutes")
        # Its process may have ended it between the list and the lock.
        elif stack.enter_context(try_lock(path / ".lock")) and _is_running(study, frozen.number):
            logger.info("trial %d: was interrupted, starts again", frozen.number)
            return Claim(Trial(study, frozen._trial_id), path)
    return None


def _is_running(study: Study, number: int) -> bool:
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False)[number].state == TrialState.RUNNING


def _ask(
    study: Study, folder: StudyFolder, space: Space, *, read: Callable[[Values], Recipe], limit: int
) -> Claim | None:
    from optuna.samplers import TPESampler
    from optuna.trial import TrialState

    while (number := sum(one.state != TrialState.WAITING for one in study.get_trials(deepcopy=False))) < limit:
        # A seed for each trial: what is drawn does not depend on how often the search was interrupted.
        study.sampler = TPESampler(seed=read({}).seed + number)
        trial = study.ask()
        values = suggest_values(trial, space)
        trial.set_user_attr(VALUES, values)
        try:
            recipe = read(values)
        except RecipeError as error:
            fail_trial(study, trial, str(error))
            continue
        path = folder.name_trial(trial.number)
        write_text(path / "recipe.yaml", recipe_to_yaml(recipe))
        return Claim(trial, path)
    return None


def fail_trial(study: Study, trial: Trial, reason: str) -> None:
    """Record that a trial has no score, and why."""
    from optuna.trial import TrialState

    logger.warning("trial %d failed: %s", trial.number, reason)
    trial.set_user_attr(REASON, reason)
    study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
