"""A search on disk: its folder, and its study in Optuna's storage.

::

    runs/<recipe>/tune/journal.log      Optuna's storage, unless --storage names another one
                       rows-<split>/    training and validation rows, which the trials read; --train-rows is in the name
                       trials/<number>/ recipe.yaml, log.txt
                       best.yaml        the best recipe, for `train`
                       trials.csv       all trials
                       report.html

Processes share a search through the storage; those that share the folder also continue what a killed process left.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock
from pydantic import ValidationError

from hf_newscls.errors import RunError, StorageError, format_examples, shorten_text
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.runs.recipe_diff import NOT_OF_THE_TRAINING, find_changes
from hf_newscls.tuning.space import find_own_values

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage

VALUES, REASON, SCORES, SECONDS, BEGAN = "values", "reason", "scores", "seconds", "began"
"""What is stored about a trial."""
TRAIN_ROWS, _RECIPE, _SPLIT = "train_rows", "recipe", "split"  # what is stored about a study


@dataclass(frozen=True)
class StudyFolder:
    """The files of a search, as listed above."""

    path: Path

    @property
    def lock(self) -> Path:
        """Held by the process that takes a trial."""
        return self.path / ".lock"

    @property
    def best(self) -> Path:
        """The best recipe."""
        return self.path / "best.yaml"

    @property
    def table(self) -> Path:
        """All trials."""
        return self.path / "trials.csv"

    @property
    def page(self) -> Path:
        """The report."""
        return self.path / "report.html"

    @property
    def storage(self) -> str:
        """The storage that is used if the user names none."""
        return str(self.path / "journal.log")

    def name_trial(self, number: int) -> Path:
        """Return the folder of a trial."""
        return self.path / "trials" / f"{number:04}"


def open_study(
    recipe: Recipe,
    folder: StudyFolder,
    *,
    storage: str,
    fingerprint: str,
    lower_is_better: bool,
    train_rows: int | None = None,
) -> Study:
    """Return the study of a recipe, a new one or one to continue; the recipe's own values are its first trial.

    Args:
        recipe: with the space in `tune`.
        folder: of the search.
        storage: path of a journal file, or the URL of a database as Optuna takes it.
        fingerprint: of the split.
        lower_is_better: whether the score is a loss.
        train_rows: number of training rows of each trial; None: all.

    Raises:
        RunError: the study has another recipe, space, split or number of training rows.
        StorageError: the storage cannot be opened.
    """
    with FileLock(folder.lock):
        study = load_study(recipe.name, storage=storage, lower_is_better=lower_is_better)
        if _RECIPE not in study.user_attrs:
            study.set_user_attr(_SPLIT, fingerprint)
            study.set_user_attr(TRAIN_ROWS, train_rows)
            study.set_user_attr(_RECIPE, recipe.model_dump(mode="json"))
            study.enqueue_trial(find_own_values(recipe, recipe.tune))
    _check_unchanged(study, recipe, fingerprint, storage=storage, train_rows=train_rows)
    return study


def load_study(name: str, *, storage: str, lower_is_better: bool = True) -> Study:
    """Return the study of this name, which is made if there is none; one that exists keeps its direction.

    Raises:
        StorageError: the storage cannot be opened.
    """
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        return optuna.create_study(
            study_name=name,
            storage=_open_storage(storage),
            pruner=optuna.pruners.MedianPruner(n_min_trials=2),
            direction="minimize" if lower_is_better else "maximize",
            load_if_exists=True,
        )
    except (ImportError, OSError, ValueError, SQLAlchemyError, optuna.exceptions.OptunaError) as error:
        raise StorageError(
            f"{_hide_password(storage)}: cannot be opened as the storage of a search ({shorten_text(error)}); check "
            "--storage"
        ) from error


def _open_storage(storage: str) -> BaseStorage:
    from optuna.storages import JournalStorage, get_storage
    from optuna.storages.journal import JournalFileBackend

    return get_storage(storage) if "://" in storage else JournalStorage(JournalFileBackend(storage))


def _hide_password(storage: str) -> str:
    """Return a storage as a message may show it.

    >>> _hide_password("postgresql://me:secret@host/db"), _hide_password("journal.log")
    ('host/db', 'journal.log')
    """
    return storage.rpartition("@")[2]


def _check_unchanged(study: Study, recipe: Recipe, fingerprint: str, *, storage: str, train_rows: int | None) -> None:
    """Refuse to continue a study whose trials could not be compared with new ones."""
    found, name = study.user_attrs, f"{_hide_password(storage)}: the search {recipe.name!r}"
    fix = "or start another search with name=NAME"
    if found[_SPLIT] != fingerprint:
        raise RunError(
            f"{name} has the split {found[_SPLIT][:12]}, now it is {fingerprint[:12]}; restore the data, {fix}"
        )
    if (rows := found.get(TRAIN_ROWS)) != train_rows:
        old, new = ("all" if one is None else f"{one:,}" for one in (rows, train_rows))
        raise RunError(f"{name} was begun with --train-rows {old}, but now it is {new}; repeat the first value, {fix}")
    try:
        before = Recipe.model_validate(found[_RECIPE])
    except ValidationError as error:
        raise RunError(f"{name} has a recipe that this version cannot read; use the version that began it") from error
    # The fingerprint stands for the rows; they may have another path on another host.
    if changes := find_changes(before, recipe, exclude=NOT_OF_THE_TRAINING):
        raise RunError(f"{name} has another recipe: {format_examples(changes)}; undo the changes, {fix}")
