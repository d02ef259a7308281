"""What a search found: its trials, the best one, and what mattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hf_newscls.errors import RunError
from hf_newscls.tuning.study import BEGAN, REASON, SCORES, SECONDS, TRAIN_ROWS, VALUES

if TYPE_CHECKING:
    import pandas as pd
    from optuna import Study
    from optuna.trial import FrozenTrial

MIN_TRIALS = 10
"""The importance of keys needs this many complete trials. It compares the best tenth with the others."""

COMPLETE, PRUNED, FAILED, RUNNING = "complete", "pruned", "failed", "running"


@dataclass(frozen=True)
class TrialResult:
    """One trial of a search.

    Attributes:
        number: counted from 0, in the order in which trials began.
        state: complete, pruned, failed, or running in another process.
        score: best validation score of a complete trial; None for others.
        values: of the recipe, by key.
        scores: validation scores of the best evaluation, by metric.
        seconds: of training and evaluations, without loading.
        whole_seconds: from the last start of the trial to its end, with loading.
        reason: why it failed.
    """

    number: int
    state: str
    score: float | None
    values: Mapping[str, object]
    scores: Mapping[str, float]
    seconds: float
    whole_seconds: float
    reason: str

    @property
    def flat_values(self) -> dict[str, object]:
        """The values by their full keys; those keys of a mapping that are null are left out."""
        flat: dict[str, object] = {}
        for key, value in self.values.items():
            if isinstance(value, Mapping):
                flat.update({f"{key}.{name}": one for name, one in value.items() if one is not None})
            else:
                flat[key] = value
        return flat


@dataclass(frozen=True)
class SearchResult:
    """The trials of a search.

    Attributes:
        recipe_name: of the recipe that was searched for.
        metric: validation score that was optimized.
        lower_is_better: whether it is a loss.
        train_rows: number of training rows of each trial; None: all.
        trials: in the order in which they began.
        importances: how much each key decides whether a trial is among the best, adding up to 1; empty if there are too
            few complete trials.
    """

    recipe_name: str
    metric: str
    lower_is_better: bool
    train_rows: int | None
    trials: Sequence[TrialResult] = field(repr=False)
    importances: Mapping[str, float]

    @property
    def complete(self) -> list[TrialResult]:
        """Trials with a score."""
        return [one for one in self.trials if one.score is not None]

    @property
    def best(self) -> TrialResult:
        """The trial with the best score, the first of equal ones.

        Raises:
            RunError: no trial has a score.
        """
        sign = 1 if self.lower_is_better else -1
        if not self.trials:
            raise RunError(f"{self.recipe_name}: no trial has begun; raise --hours")
        if not self.complete:
            last = next((one.reason for one in reversed(self.trials) if one.reason), "none has ended")
            raise RunError(f"{self.recipe_name}: none of {len(self.trials)} trials has a score; the last one: {last}")
        return min(self.complete, key=lambda one: sign * (one.score or 0.0))

    def count(self, state: str) -> int:
        """Return the number of trials in a state."""
        return sum(one.state == state for one in self.trials)

    def to_pandas(self) -> pd.DataFrame:
        """Return a row for each trial: number, state, score, seconds, and a column for each key."""
        import pandas as pd

        return pd.DataFrame(
            {
                "trial": one.number,
                "state": one.state,
                self.metric: one.score,
                "seconds": one.seconds,
                "whole_seconds": one.whole_seconds,
                **one.values,
                "reason": one.reason,
            }
            for one in self.trials
        )


def read_result(study: Study, *, metric: str) -> SearchResult:
    """Return what a study holds so far; `metric` is the score of its trials."""
    from optuna.study import StudyDirection
    from optuna.trial import TrialState

    names = {
        TrialState.COMPLETE: COMPLETE,
        TrialState.PRUNED: PRUNED,
        TrialState.FAIL: FAILED,
        TrialState.RUNNING: RUNNING,
    }
    trials = study.get_trials(deepcopy=False, states=(*names,))
    return SearchResult(
        recipe_name=study.study_name,
        metric=metric,
        lower_is_better=study.direction == StudyDirection.MINIMIZE,
        train_rows=study.user_attrs.get(TRAIN_ROWS),
        trials=[_read_trial(one, names[one.state]) for one in trials],
        importances=_compute_importances(study),
    )


def _read_trial(trial: FrozenTrial, state: str) -> TrialResult:
    stored: Mapping[str, Any] = trial.user_attrs
    # Both in the local time of the host that trained it, as Optuna writes them.
    began = datetime.fromisoformat(stored[BEGAN]) if BEGAN in stored else trial.datetime_start
    ended = trial.datetime_complete
    return TrialResult(
        number=trial.number,
        state=state,
        score=trial.value if state == COMPLETE else None,
        values=stored.get(VALUES, {}),
        scores=stored.get(SCORES, {}),
        seconds=stored.get(SECONDS, 0.0),
        whole_seconds=(ended - began).total_seconds() if ended and began else 0.0,
        reason=stored.get(REASON, ""),
    )


def _compute_importances(study: Study) -> dict[str, float]:
    """Return how much each key matters, by PED-ANOVA (Watanabe et al. 2023, arXiv 2304.10255)."""
    from optuna.importance import get_param_importances
    from optuna.trial import TrialState

    scores = [one.value for one in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))]
    if len(scores) < MIN_TRIALS or len({*scores}) == 1:
        return {}
    return get_param_importances(study)
