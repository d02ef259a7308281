"""Go on with a run that was interrupted, or begin a new one."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from hf_newscls.errors import RecipeError, RunError, format_examples
from hf_newscls.recipe.diff import find_changes
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.runs.checkpoints import find_last_checkpoint, read_trainer_state, relocate_best, remove_partial
from hf_newscls.runs.folder import RunFolder, create_run, find_runs, list_runs

__all__ = ["OpenRun", "find_finished", "open_run"]

# They decide what is measured and told, not what is trained.
_FREE_SECTIONS = {"evaluation", "hub"}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenRun:
    """A run that is to be trained.

    Attributes:
        run: its folder.
        checkpoint: what training goes on from; None where it begins, or has ended.
    """

    run: RunFolder
    checkpoint: Path | None


@contextmanager
def open_run(recipe: Recipe, *, fingerprint: str, runs_dir: Path, no_resume: bool = False) -> Iterator[OpenRun]:
    """Yield the recipe's newest run if it was interrupted, else a new one; no other process takes it meanwhile.

    Args:
        recipe: as resolved now.
        fingerprint: of the split that its data gives now.
        runs_dir: where run folders are kept.
        no_resume: begin a new run, whatever was interrupted.

    Raises:
        RunError: the interrupted run had another recipe, or other data.
    """
    for run in reversed(list_runs(recipe.name, runs_dir=runs_dir)[-1:] if not no_resume else []):
        with _try_lock(run) as is_ours:
            if is_ours and _can_go_on(run):
                _check_same(run, recipe, fingerprint)
                yield OpenRun(run, _choose_checkpoint(run))
                return
    run = create_run(runs_dir, recipe.name)
    with _try_lock(run):
        yield OpenRun(run, None)


def find_finished(recipe: Recipe, fingerprint: str, *, runs_dir: Path) -> RunFolder | None:
    """Return the newest finished run that was trained by the same recipe on the same split, or None.

    Args:
        recipe: as resolved now.
        fingerprint: of the split that its data gives now.
        runs_dir: where run folders are kept.
    """
    for run in reversed(find_runs(recipe.name, runs_dir=runs_dir)):
        is_on_split = run.is_complete and run.read_json(run.metrics)["split_fingerprint"] == fingerprint
        if is_on_split and _was_trained_by(run, recipe):
            return run
    return None


def _was_trained_by(run: RunFolder, recipe: Recipe) -> bool:
    try:
        return not _describe_changes(run.read_recipe(), recipe)
    except RecipeError:  # of another version
        return False


@contextmanager
def _try_lock(run: RunFolder) -> Iterator[bool]:
    """Hold the run's lock, if no living process has it; the system frees it when a process is killed."""
    lock = FileLock(run.lock)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        run.lock.unlink(missing_ok=True)
        lock.release()


def _can_go_on(run: RunFolder) -> bool:
    """Tell whether there is something to go on from; a run that was killed before that is removed."""
    if run.is_complete:
        return False
    if run.training.is_file() or find_last_checkpoint(run.checkpoints):
        return True
    shutil.rmtree(run.path, ignore_errors=True)
    return False


def _choose_checkpoint(run: RunFolder) -> Path | None:
    if run.training.is_file():
        logger.info("going on with %s: training has ended, measuring", run.path)
        return None
    remove_partial(run.checkpoints)
    checkpoint = find_last_checkpoint(run.checkpoints)
    assert checkpoint is not None, "_can_go_on saw one"
    relocate_best(checkpoint)
    state = read_trainer_state(checkpoint)
    logger.info("going on with %s from step %d of %d", run.path, state["global_step"], state["max_steps"])
    return checkpoint


def _check_same(run: RunFolder, recipe: Recipe, fingerprint: str) -> None:
    changed = _describe_changes(run.read_recipe(), recipe)
    if changed:
        raise RunError(
            f"{run.path}: an interrupted run must go on with its own recipe, got other values of {changed}; "
            "bring them back, or begin anew with --no-resume"
        )
    expected = run.read_json(run.split)["fingerprint"]
    if fingerprint != expected:
        raise RunError(
            f"{run.path}: an interrupted run must go on with its own split, {expected[:12]}, but "
            f"{recipe.data.source_text} now gives {fingerprint[:12]}, found by fingerprint; "
            "bring the file back, or begin anew with --no-resume"
        )


def _describe_changes(before: Recipe, now: Recipe) -> str:
    return format_examples(find_changes(before, now, exclude=_FREE_SECTIONS))
