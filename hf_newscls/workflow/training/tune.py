"""Search for better values of a recipe, and train the best ones."""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from hf_newscls.errors import InputError, count_noun
from hf_newscls.evaluation.metric_names import REFINED_LOG_LOSS
from hf_newscls.recipe.loading import read_recipe, read_search_space
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.runs.folder import RunFolder
from hf_newscls.runs.recipe_diff import find_changes
from hf_newscls.runs.resuming import find_finished
from hf_newscls.storage import check_folder, try_lock, write_text
from hf_newscls.workflow.prepare import prepare
from hf_newscls.workflow.quiet import quiet_libraries
from hf_newscls.workflow.run import Run, load_run
from hf_newscls.workflow.training.availability import check_availability
from hf_newscls.workflow.training.train import train
from hf_newscls.workflow.training.train_seeds import train_seeds

if TYPE_CHECKING:
    from hf_newscls.training.record import TrainingRecord
    from hf_newscls.tuning.candidates import BaseRecipe
    from hf_newscls.tuning.page import OptimismGap
    from hf_newscls.tuning.result import SearchResult, TrialResult
    from hf_newscls.tuning.search import Search
    from hf_newscls.tuning.study import StudyFolder

# What a validation score is called on the test set, where the model is calibrated.
_TEST_NAMES = {"accuracy": "accuracy", "f1_macro": "f1_macro", REFINED_LOG_LOSS: "log_loss"}

_EPOCHS = "training_arguments.num_train_epochs"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tuning:
    """A search, and the models of the best recipe.

    Attributes:
        path: the folder of the search; start with its `report.html`.
        recipe_path: the best recipe, for `train`.
        result: the trials.
        runs: of the best recipe, one for each seed; empty while other processes train trials or these models.
    """

    path: Path
    recipe_path: Path
    result: SearchResult
    runs: Sequence[Run]


@quiet_libraries()
def tune(
    recipe: str | Path,
    *,
    data: str | Path | None = None,
    overrides: Sequence[str] = (),
    trials: int = 30,
    hours: float | None = None,
    space: str | Path | None = None,
    storage: str | None = None,
    launcher: Sequence[str] = (sys.executable,),
    train_rows: int | None = None,
    seeds: int = 3,
    runs_dir: str | Path = "runs",
) -> Tuning:
    """Try other values of a recipe, judge them on validation rows, train the best ones, and measure them once.

    The same call continues an interrupted search. Several processes can make it at the same time.

    Args:
        recipe: the name of a recipe, or the path of a .yaml file.
        data: the news file; replaces `data.source`.
        overrides: `section.key=value`, as on the command line.
        trials: number of trials of the whole search.
        hours: start no trial after this many hours; None: no limit.
        space: file with the search space, in place of the recipe's `tune` section.
        storage: journal file or database URL for the trials; by default a file in the folder of the search.
        launcher: command that runs a Python module, such as `accelerate launch`; it trains each trial.
        train_rows: number of training rows of each trial, drawn at random; the best recipe is trained with all of
            them. None: all.
        seeds: number of seeds that the best recipe is trained with.
        runs_dir: where the run folders are.

    Raises:
        InputError: recipe, data, space or storage cannot be used.
        RunError: an earlier search of this name has other values, or trials fail.
    """
    if trials < 1 or seeds < 1:
        raise InputError(f"trials is {trials} and seeds is {seeds}; both must be at least 1")
    search = _open_search(
        str(recipe),
        data=data,
        overrides=overrides,
        space=space,
        storage=storage,
        launcher=launcher,
        train_rows=train_rows,
        runs_dir=Path(runs_dir),
    )
    search.run_trials(limit=trials, hours=hours)
    return _finish(search, seeds=seeds, runs_dir=Path(runs_dir))


def _open_search(
    name_or_path: str,
    *,
    data: str | Path | None,
    overrides: Sequence[str],
    space: str | Path | None,
    storage: str | None,
    launcher: Sequence[str],
    train_rows: int | None,
    runs_dir: Path,
) -> Search:
    """Check everything, then open the study and write the rows of the trials."""
    from hf_newscls.tuning.candidates import BaseRecipe
    from hf_newscls.tuning.search import Search, choose_rows, read_score, write_rows
    from hf_newscls.tuning.study import StudyFolder, open_study

    _check_environment(launcher)
    base = BaseRecipe(name_or_path, overrides, None if data is None else str(data))
    recipe = _choose_space(base.read({}), base, space, is_partial=train_rows is not None)
    check_availability(recipe)
    score = read_score(recipe, runs_dir=runs_dir)
    folder = StudyFolder((runs_dir / recipe.name / "tune").absolute())
    check_folder(folder.path)
    prepared = prepare(recipe)
    fingerprint, splits = prepared.manifest.fingerprint, {**prepared.splits}
    if train_rows is not None:
        splits["train"] = choose_rows(splits["train"], train_rows)
    folder.path.mkdir(parents=True, exist_ok=True)
    storage = storage or folder.storage
    study = open_study(
        recipe,
        folder,
        storage=storage,
        fingerprint=fingerprint,
        lower_is_better=score.lower_is_better,
        train_rows=train_rows,
    )
    rows = write_rows(splits, folder, fingerprint=fingerprint, train_rows=train_rows)
    return Search(recipe, base, study, folder, rows, score.metric, storage, launcher)


def _check_environment(launcher: Sequence[str]) -> None:
    """Refuse to search without Optuna or the launcher, or in `accelerate launch`, where each process would search."""
    if importlib.util.find_spec("optuna") is None:
        raise InputError("a search needs Optuna, which is not installed; run `pip install 'hf-newscls[tune]'`")
    if shutil.which(launcher[0]) is None:
        raise InputError(
            f"launcher is {launcher[0]!r}, which is no command here; write for example 'accelerate launch'"
        )
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError(
            f"WORLD_SIZE is {os.environ['WORLD_SIZE']}: tune starts the processes of each trial itself; run it without "
            "accelerate launch, with --launcher 'accelerate launch --num_processes N'"
        )


def _choose_space(recipe: Recipe, base: BaseRecipe, space: str | Path | None, *, is_partial: bool) -> Recipe:
    """Return the recipe with the space to search in `tune`: that of a file, its own, or the default one.

    If trials have only a part of the training rows, the default space leaves out the number of epochs.
    """
    from hf_newscls.tuning.space import DEFAULT_SPACE, check_space

    source_name = f"{recipe.name}: tune"
    if space is not None:
        source_name = str(space)
        recipe = read_search_space(Path(space), recipe)
    elif not recipe.tune:
        left_out = {_EPOCHS} if is_partial else set()
        default = {key: section for key, section in DEFAULT_SPACE.items() if key not in left_out}
        recipe = recipe.model_copy(update={"tune": default})
    if is_partial and _EPOCHS in recipe.tune:
        logger.warning("the best %s with a part of the training rows is more than with all of them", _EPOCHS)
    check_space(recipe.tune, base.read, source_name=source_name)
    return recipe


def _finish(search: Search, *, seeds: int, runs_dir: Path) -> Tuning:
    """Write the best recipe, train it unless another process does or still trains trials, and write the report."""
    from hf_newscls.tuning.result import RUNNING

    result, folder = search.read_result(), search.folder
    best = _write_best(search, result)
    _write_trials(result, folder)  # the training below may take hours
    if not find_changes(search.recipe, search.base.read(result.best.values), exclude={"tune"}):
        logger.info("no trial was better than trial %d, which has the recipe's own values", result.best.number)
    runs: list[Run] = []
    with try_lock(folder.path / ".training") as is_ours:
        if is_ours and result.count(RUNNING) == 0:
            logger.info("the best recipe: %s", best)
            runs = _train_best(read_recipe(str(best)), seeds=seeds, runs_dir=runs_dir)
    gaps = [*_measure_gaps(result.best, runs)] if runs else []
    _write_trials(result, folder, gaps=gaps, seeds=[run.recipe.seed for run in runs])
    return Tuning(folder.path, best, result, runs)


def _write_trials(
    result: SearchResult, folder: StudyFolder, *, gaps: Sequence[OptimismGap] = (), seeds: Sequence[int] = ()
) -> None:
    from hf_newscls.tuning.page import write_search_page

    write_text(folder.table, result.to_pandas().to_csv(index=False))
    write_search_page(result, folder.page, gaps=gaps, seeds=seeds)


def _write_best(search: Search, result: SearchResult) -> Path:
    path, trial = search.folder.best, result.best
    rows = "" if result.train_rows is None else f" with {count_noun(result.train_rows, 'training row')}"
    trials = count_noun(len(result.trials), "trial")
    comment = f"The best of {trials}{rows}, with validation {result.metric} {trial.score:.4f}."
    name = f"{search.recipe.name}_tuned"
    write_text(path, search.base.to_yaml(trial.values, name=name, folder=path.parent, comment=comment))
    return path


def _train_best(recipe: Recipe, *, seeds: int, runs_dir: Path) -> list[Run]:
    if seeds > 1:
        return [*train_seeds(recipe, seeds=seeds, runs_dir=runs_dir).runs]
    fingerprint = prepare(recipe).manifest.fingerprint
    finished = find_finished(recipe, fingerprint, runs_dir=runs_dir)
    return [load_run(finished.path) if finished else train(recipe, runs_dir=runs_dir)]


def _measure_gaps(best: TrialResult, runs: Sequence[Run]) -> Iterator[OptimismGap]:
    """Yield for each score how much of it is left when the recipe is trained again, and on the test set."""
    from hf_newscls.training.record import TrainingRecord
    from hf_newscls.tuning.page import OptimismGap

    folders = [RunFolder(run.path) for run in runs]
    records = [folder.read_as(folder.training, TrainingRecord.from_dict) for folder in folders]
    for metric, test_name in _TEST_NAMES.items():
        found = [_find_score(record, metric) for record in records]
        # Only then is the log loss of the saved model the one after calibration.
        is_comparable = metric != REFINED_LOG_LOSS or all(
            record.temperature and record.temperature.is_folded for record in records
        )
        if metric in best.scores and is_comparable:
            yield OptimismGap(
                metric,
                searched=best.scores[metric],
                validation=mean(found),
                test=mean(run.report.test.scores[test_name] for run in runs),
            )


def _find_score(record: TrainingRecord, metric: str) -> float:
    """Return a validation score of the checkpoint that was kept."""
    step = record.best_step or record.total_steps
    entries: list[Any] = [entry for entry in record.log_history if f"eval_{metric}" in entry]
    return float(min(entries, key=lambda entry: abs(entry["step"] - step))[f"eval_{metric}"])
