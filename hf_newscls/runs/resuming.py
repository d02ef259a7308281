"""Resume an interrupted run, or start a new one."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hf_newscls import __version__
from hf_newscls.errors import RecipeError, RunError, format_examples
from hf_newscls.recipe.hub import HubSection
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.runs.checkpoints import find_last_checkpoint, read_trainer_state, relocate_best, remove_partial
from hf_newscls.runs.folder import RunFolder, create_run, find_runs
from hf_newscls.runs.recipe_diff import RecipeChange, find_changes
from hf_newscls.storage import try_lock

# They decide what is evaluated and published, but not the weights; `hub.calibrate` changes them.
_FREE_KEYS = {
    "evaluation",
    "tune",
    "data.language",
    *(f"hub.{key}" for key in HubSection.model_fields if key != "calibrate"),
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenRun:
    """A run to train."""

    run: RunFolder
    checkpoint: Path | None  # where training resumes; None if it starts, or if only the evaluation is missing


@contextmanager
def open_run(recipe: Recipe, *, fingerprint: str, runs_dir: Path, resume: bool = True) -> Iterator[OpenRun]:
    """Yield the recipe's newest run if it was interrupted, else a new one, and lock it for other processes.

    Args:
        fingerprint: of the split as prepared now.
        resume: continue an interrupted run; False always starts a new one.

    Raises:
        RunError: the interrupted run is of another version, or has another recipe or other data.
    """
    for run in _find_newest(recipe.name, runs_dir) if resume else []:
        with try_lock(run.lock) as is_ours:
            if is_ours and (resumed := _resume(run, recipe, fingerprint)):
                yield resumed
                return
    run = create_run(runs_dir, recipe.name)
    with try_lock(run.lock):
        yield OpenRun(run, None)


def has_interrupted(recipe_name: str, *, runs_dir: Path) -> bool:
    """Return whether `open_run` would find a run to resume: with a checkpoint, or without its evaluation."""
    for run in _find_newest(recipe_name, runs_dir):
        if _is_interrupted(run):
            with try_lock(run.lock) as is_ours:
                return is_ours
    return False


def find_finished(recipe: Recipe, fingerprint: str, *, runs_dir: Path) -> RunFolder | None:
    """Return the newest finished run of this version with the same recipe and the same split, or None."""
    for run in reversed(find_runs(recipe.name, runs_dir=runs_dir)):
        if run.is_complete and run.read_fingerprint() == fingerprint and _was_trained_by(run, recipe):
            version = run.read_version()
            if version == __version__:
                return run
            logger.info("not using %s: trained by version %s, this is %s", run.path, version or "0.1", __version__)
    return None


def _find_newest(recipe_name: str, runs_dir: Path) -> list[RunFolder]:
    return find_runs(recipe_name, runs_dir=runs_dir, with_file="split.json")[-1:]


def _is_interrupted(run: RunFolder) -> bool:
    has_ended = run.training.is_file()
    return not run.is_complete and (has_ended or find_last_checkpoint(run.checkpoints) is not None)


def _was_trained_by(run: RunFolder, recipe: Recipe) -> bool:
    try:
        return not _find_training_changes(run, recipe)
    except RecipeError:  # a recipe that this version cannot read
        return False


def _resume(run: RunFolder, recipe: Recipe, fingerprint: str) -> OpenRun | None:
    """Return the run if it was interrupted with something to resume from; one with nothing is removed."""
    if run.is_complete:
        return None
    has_ended = run.training.is_file()
    checkpoint = None if has_ended else find_last_checkpoint(run.checkpoints)
    if checkpoint is None and not has_ended:
        shutil.rmtree(run.path, ignore_errors=True)
        return None
    _check_unchanged(run, recipe, fingerprint)
    if checkpoint is None:
        logger.info("resuming %s: training has ended, evaluating", run.path)
    else:
        remove_partial(run.checkpoints)
        relocate_best(checkpoint)
        state = read_trainer_state(checkpoint)
        logger.info("resuming %s from step %d of %d", run.path, state["global_step"], state["max_steps"])
    return OpenRun(run, checkpoint)


def _check_unchanged(run: RunFolder, recipe: Recipe, fingerprint: str) -> None:
    """Refuse a run that would not end as if it had never been interrupted."""
    version = run.read_version()
    if version != __version__ and not run.training.is_file():
        raise RunError(
            f"{run.path}: interrupted in version {version or '0.1'}, but this is {__version__}, which trains "
            "differently; start a new run with resume=False or `train … --no-resume`, or install that version"
        )
    if changes := _find_training_changes(run, recipe):
        raise RunError(
            f"{run.path}: the recipe has changed since the interruption: {format_examples(changes)}; undo the changes, "
            "or start a new run with resume=False or `train … --no-resume`"
        )
    before = run.read_fingerprint()
    if fingerprint != before:
        raise RunError(
            f"{run.path}: the split has changed since the interruption: {recipe.data.source_text} had the fingerprint "
            f"{before[:12]}, now it is {fingerprint[:12]}; restore the file, or start a new run with resume=False or "
            "`train … --no-resume`"
        )


def _find_training_changes(run: RunFolder, recipe: Recipe) -> list[RecipeChange]:
    before = run.read_recipe()
    # Without a seed of its own, a training has that of the split: the same as if it were named.
    return find_changes(before.with_seed(before.seed), recipe.with_seed(recipe.seed), exclude=_FREE_KEYS)
