"""The part of a training that runs inside a job."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hf_newscls.errors import InputError, PublishError
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.runs.folder import RunFolder, find_runs
from hf_newscls.storage import write_json
from hf_newscls.workflow.prepare import to_recipe
from hf_newscls.workflow.publish import publish as publish_run
from hf_newscls.workflow.training.train import train

if TYPE_CHECKING:
    from hf_newscls.training.record import JobCost

logger = logging.getLogger(__name__)


def run_job(folder: str | Path, *, publish: bool) -> None:
    """Train inside a job, in which `folder` is the mounted volume; an earlier attempt's checkpoint is resumed.

    Raises:
        InputError: this is not a job.
        NewsclsError: as `train` and `publish`.
    """
    if "JOB_ID" not in os.environ:
        raise InputError("JOB_ID is not set: this command is for a job of the Hub; write `hf-newscls train`")
    from hf_newscls.jobs.bundle import RECIPE_FILE
    from hf_newscls.jobs.mirror import Mirror
    from hf_newscls.jobs.volume import RESULT_FILE, RUNS, JobResult

    volume, runs_dir = Path(folder).absolute(), Path(tempfile.mkdtemp(prefix="hf-newscls-"))
    os.chdir(volume)  # the addresses in the recipe are relative to it
    recipe = to_recipe(RECIPE_FILE)
    mirror = Mirror(runs_dir, volume / RUNS)
    mirror.restore()
    try:
        run = _find_complete(recipe, runs_dir) or RunFolder(train(recipe, callbacks=[mirror], runs_dir=runs_dir).path)
        _record_cost(run, recipe)
    finally:
        mirror.save()
    result = JobResult(recipe.name, run.path.name, _publish(run) if publish else None)
    (volume / RESULT_FILE).write_text(json.dumps(asdict(result)), encoding="utf-8")


def _publish(run: RunFolder) -> str | None:
    """Return the address of the published model; None if it failed: `train --on` publishes the run that it fetches."""
    try:
        return publish_run(run.path).url
    except (InputError, PublishError) as error:
        logger.warning("not published by the job: %s", error)
        return None


def _find_complete(recipe: Recipe, runs_dir: Path) -> RunFolder | None:
    """Return the run of an earlier attempt if only what comes after it is missing."""
    runs = find_runs(recipe.name, runs_dir=runs_dir)
    return runs[-1] if runs and runs[-1].is_complete else None


def _record_cost(run: RunFolder, recipe: Recipe) -> None:
    """Write hardware and cost into the record, and into the card."""
    from hf_newscls.training.record import TrainingRecord
    from hf_newscls.workflow.cards import write_card

    try:
        cost = _read_cost()
    except PublishError as error:  # the run is complete without it; failing would start a paid attempt
        logger.warning("the card does not say what the job cost: %s", error)
        return
    record = run.read_as(run.training, TrainingRecord.from_dict)
    write_json(run.training, replace(record, job=cost).to_dict())
    write_card(run, recipe)


def _read_cost() -> JobCost:
    from hf_newscls.hub.account import find_account
    from hf_newscls.jobs import hardware, launch

    account = find_account().name
    job = launch.inspect_job(account, os.environ["JOB_ID"])
    jobs = launch.find_jobs(account, (job.labels or {})[launch.LABEL])
    return hardware.compute_cost(jobs, hardware.read_prices())
