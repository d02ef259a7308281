"""Run the trials of a search, one process each."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from datasets import Dataset, DatasetDict
from filelock import FileLock

from hf_newscls.data.stratification import hash_rows
from hf_newscls.errors import InputError, RecipeError, RunError, count_noun, format_duration, format_examples
from hf_newscls.evaluation.metric_names import phrase_metric
from hf_newscls.progress import report_progress
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.storage import replace_folder
from hf_newscls.tuning.candidates import BaseRecipe
from hf_newscls.tuning.claims import Claim, claim_trial, fail_trial
from hf_newscls.tuning.page import format_values
from hf_newscls.tuning.result import FAILED, RUNNING, SearchResult, TrialResult, read_result
from hf_newscls.tuning.study import StudyFolder
from hf_newscls.tuning.trial import run_process

if TYPE_CHECKING:
    from optuna import Study

_MAX_FAILURES = 3  # in a row

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Score:
    """The validation score that trials are compared by."""

    metric: str
    lower_is_better: bool


@dataclass(frozen=True)
class Search:
    """All that the trials of a search need."""

    recipe: Recipe  # with the space in `tune`
    base: BaseRecipe
    study: Study
    folder: StudyFolder
    rows: Path  # from `write_rows`
    metric: str
    storage: str
    launcher: Sequence[str]  # runs a Python module

    def run_trials(self, *, limit: int, hours: float | None) -> None:
        """Train trials until the whole search has `limit` of them; none begins after so many hours.

        Raises:
            RunError: several trials in a row failed.
        """
        end = None if hours is None else time.monotonic() + 3600 * hours
        while self._run_next(limit=limit, is_over=end is not None and time.monotonic() > end):
            result = self.read_result()
            report_progress("search", len(result.trials), limit, unit="trials")
            last = result.trials[-_MAX_FAILURES:]
            if len(last) == _MAX_FAILURES and all(one.state == FAILED for one in last):
                raise RunError(
                    f"{self.folder.path}: {_MAX_FAILURES} trials in a row failed; the last: {last[-1].reason}"
                )

    def read_result(self) -> SearchResult:
        """Return what the search has found so far."""
        return read_result(self.study, metric=self.metric)

    def _run_next(self, *, limit: int, is_over: bool) -> bool:
        """Train one trial; return False if none is left."""
        claiming = claim_trial(
            self.study, self.folder, self.recipe.tune, read=self.base.read, limit=limit, is_over=is_over
        )
        with claiming as claim:
            if claim is not None:
                self._train(claim)
        return claim is not None

    def _train(self, claim: Claim) -> None:
        reason = run_process(claim.folder, rows=self.rows, storage=self.storage, launcher=self.launcher)
        result = self.read_result()
        trial = next(one for one in result.trials if one.number == claim.trial.number)
        if trial.state == RUNNING:  # its process stored no score
            fail_trial(self.study, claim.trial, reason or "it ended without a score")
            return
        logger.info("trial %d: %s", trial.number, self._describe(trial, result))

    def _describe(self, trial: TrialResult, result: SearchResult) -> str:
        score = trial.state if trial.score is None else f"{phrase_metric(self.metric)} {trial.score:.4f}"
        best = f"best {result.best.score:.4f} of trial {result.best.number}" if result.complete else "none complete yet"
        return f"{score} ({best}), {format_duration(trial.whole_seconds)}; {format_values(trial)}"


def read_score(recipe: Recipe, *, runs_dir: Path) -> Score:
    """Return the validation score that chooses the recipe's best checkpoint.

    Raises:
        RecipeError: the recipe has no evaluations during the training.
    """
    from hf_newscls.training.arguments import build_training_arguments
    from hf_newscls.training.backend import detect_backend

    backend = detect_backend(use_cpu=recipe.use_cpu)
    arguments = build_training_arguments(recipe, output_dir=runs_dir, backend=backend)
    if arguments.eval_strategy == "no":
        raise RecipeError(
            f"{recipe.name}: training_arguments.eval_strategy is 'no', but a search compares validation scores; write "
            "epoch"
        )
    return Score(str(arguments.metric_for_best_model), not arguments.greater_is_better)


def choose_rows(train: Dataset, number: int) -> Dataset:
    """Return `number` training rows, chosen by a hash of their content.

    So they are the same on every host, and a smaller set is part of each larger one.

    Raises:
        InputError: there are not so many rows, or those that were chosen have one label only.
    """
    found = f"--train-rows (train_rows) is {number:,}"
    if not 0 < number <= len(train):
        raise InputError(f"{found}, but there are {count_noun(len(train), 'training row')}; leave it out for all")
    order = np.argsort(hash_rows(train["text"][:], seed=0), kind="stable")
    chosen = train.select(order[:number])
    names, labels = train.features["label"].names, {*chosen["label"][:]}
    if len(labels) == 1:
        raise InputError(f"{found}, and these rows have only the label {names[labels.pop()]!r}; take more rows")
    if missing := [name for index, name in enumerate(names) if index not in labels]:
        logger.warning("%s; labels without a row among them: %s", found, format_examples(missing))
    return chosen


def write_rows(splits: Mapping[str, Dataset], folder: StudyFolder, *, fingerprint: str, train_rows: int | None) -> Path:
    """Write what the trials read, texts and labels of training and validation; the test rows stay out of their reach.

    Args:
        splits: train, validation and test.
        folder: of the search.
        fingerprint: of the split; rows that were written before are kept.
        train_rows: number of training rows, if they are a part; None: all.
    """
    path = folder.path / "-".join(["rows", fingerprint[:12], *([] if train_rows is None else [str(train_rows)])])
    with FileLock(folder.lock):
        if path.is_dir():
            return path
        with replace_folder(path) as fresh:
            DatasetDict(train=_copy(splits["train"]), validation=_copy(splits["validation"])).save_to_disk(fresh)
    return path


def _copy(split: Dataset) -> Dataset:
    """Return texts and labels in memory of their own: a part of a larger table is saved with bytes of the next row."""
    kept = split.select_columns(["text", "label"])
    return Dataset.from_dict({name: kept[name][:] for name in kept.column_names}, features=kept.features)
