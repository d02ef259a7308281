"""Train on hardware of the Hub (HF Jobs): start, follow, list and cancel jobs, and bring their runs here."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hf_newscls.errors import InputError, JobError, PublishError
from hf_newscls.recipe.loading import read_run_recipe
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.recipe.serialization import recipe_to_yaml
from hf_newscls.runs.folder import RunFolder
from hf_newscls.storage import check_folder, write_json, write_text
from hf_newscls.workflow.prepare import prepare, to_recipe
from hf_newscls.workflow.publish import check_publishing
from hf_newscls.workflow.run import Run, load_run
from hf_newscls.workflow.training.availability import check_availability

if TYPE_CHECKING:
    from huggingface_hub import JobInfo

    from hf_newscls.jobs.volume import JobVolume
    from hf_newscls.training.record import JobCost

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Offer:
    """What a job would cost, and what it would be sent.

    Attributes:
        hardware: its name and its GPU or processor.
        usd_per_hour: price of an hour.
        timeout_seconds: after which the Hub stops the job.
        files: size in bytes by name.
    """

    hardware: str
    usd_per_hour: float
    timeout_seconds: int
    files: Mapping[str, int]

    @property
    def usd_limit(self) -> float:
        """Price of the job if it runs until it is stopped."""
        return self.usd_per_hour * self.timeout_seconds / 3600


@dataclass(frozen=True)
class JobRun:
    """A run that was trained on the Hub and is here now.

    Attributes:
        run: the run.
        cost: of all jobs of this training.
        url: address of the published model; None if it was not published.
    """

    run: Run
    cost: JobCost
    url: str | None


@dataclass(frozen=True)
class ListedJob:
    """A job of the account that hf-newscls started.

    Attributes:
        id: for `attach` and `cancel`.
        training: recipe, and a digest of what was sent.
        stage: SCHEDULING, RUNNING, COMPLETED, ERROR, CANCELED or DELETED.
        created: when it was started.
        cost: up to now.
    """

    id: str
    training: str
    stage: str
    created: datetime | None
    cost: JobCost


def train_on(
    recipe: Recipe | str | Path,
    flavor: str,
    *,
    timeout: str = "2h",
    publish: bool = False,
    on_offer: Callable[[Offer], None] = lambda offer: None,
    show: Callable[[str], None] = lambda line: None,
    resume: bool = True,
    runs_dir: str | Path = "runs",
    cards_dir: str | Path | None = None,
) -> JobRun:
    """Train on hardware of the Hub, and bring the run here.

    The same call again follows the job if it runs, and goes on from the last checkpoint if it failed. If the job has
    finished and its run was not fetched, the call fetches it and starts nothing.

    Args:
        recipe: a recipe, or its name or path.
        flavor: name of the hardware, such as l4x1.
        timeout: after which the Hub stops the job, such as 45m or 2h.
        publish: let the job publish the model.
        on_offer: called before anything is sent or started; an error that it raises ends the call.
        show: called with each line of the job's log.
        resume: False removes what an earlier job of the same training left, and starts again.
        runs_dir: where the run folders are.
        cards_dir: folder for a copy of the model card.

    Raises:
        InputError: recipe, data, flavor or time limit cannot be used; nothing was sent.
        PublishError: the token is missing or refused, or the Hub cannot be reached.
        JobError: the job could not be started, or ended without a result.
    """
    from hf_newscls.hub.account import find_account
    from hf_newscls.jobs import hardware, launch, volume
    from hf_newscls.jobs.bundle import build_bundle

    recipe, runs_dir = to_recipe(recipe), Path(runs_dir)
    check_folder(runs_dir)
    seconds, account = hardware.parse_timeout(timeout), find_account().name
    found = hardware.find_hardware(flavor)
    if publish:
        check_publishing(recipe)
    check_availability(recipe)
    prepare(recipe)  # a file that does not fit the recipe costs nothing here
    with tempfile.TemporaryDirectory() as folder:
        bundle = build_bundle(recipe, Path(folder), publish=publish)
        job = launch.find_active(launch.find_jobs(account, bundle.name))
        if job is not None:
            logger.info("the job %s of this training runs already; nothing is started", job.id)
        remote = volume.find_volume(account, bundle.name)
        if job is None and not (resume and volume.read_result(remote)):
            price = hardware.compute_hourly_price(found)
            on_offer(Offer(hardware.describe_hardware(found), price, seconds, bundle.list_files()))
            if not resume:
                volume.remove(remote)
            write_text(_name_recipe(runs_dir, bundle.name), recipe_to_yaml(recipe))
            volume.send(bundle, remote)
            job = launch.start_job(account, bundle, remote, flavor=flavor, timeout_seconds=seconds)
            logger.info("started the job %s", job.url)
    return _finish(account, remote, job, show=show, runs_dir=runs_dir, cards_dir=cards_dir)


def attach(
    job_id: str,
    *,
    show: Callable[[str], None] = lambda line: None,
    runs_dir: str | Path = "runs",
    cards_dir: str | Path | None = None,
) -> JobRun:
    """Follow a job that was started before, and bring its run here.

    Args:
        job_id: of the job.
        show: called with each line of the job's log.
        runs_dir: where the run folders are.
        cards_dir: folder for a copy of the model card.

    Raises:
        InputError: hf-newscls did not start this job.
        PublishError: there is no such job, or the Hub cannot be reached.
        JobError: the job ended without a result.
    """
    from hf_newscls.hub.account import find_account
    from hf_newscls.jobs.launch import LABEL, inspect_job
    from hf_newscls.jobs.volume import find_volume

    account = find_account().name
    job = inspect_job(account, job_id)
    name = (job.labels or {}).get(LABEL)
    if name is None:
        raise InputError(f"job {job_id}: not a training of hf-newscls; `hf-newscls jobs` lists them")
    remote = find_volume(account, name)
    return _finish(account, remote, job, show=show, runs_dir=Path(runs_dir), cards_dir=cards_dir)


def list_jobs() -> list[ListedJob]:
    """Return the jobs of the account that hf-newscls started, newest first.

    Raises:
        PublishError: the token is missing or refused, or the Hub cannot be reached.
    """
    from hf_newscls.hub.account import find_account
    from hf_newscls.jobs import launch
    from hf_newscls.jobs.hardware import compute_cost, read_prices

    jobs, prices = launch.list_jobs(find_account().name), read_prices()
    return [
        ListedJob(
            job.id, (job.labels or {})[launch.LABEL], job.status.stage, job.created_at, compute_cost([job], prices)
        )
        for job in jobs
    ]


def cancel_job(job_id: str) -> None:
    """Cancel a job; its checkpoints stay, so that the same training can go on.

    Raises:
        PublishError: there is no such job, or the Hub cannot be reached.
    """
    from hf_newscls.hub.account import find_account
    from hf_newscls.jobs import launch

    launch.cancel_job(find_account().name, job_id)


def _finish(
    account: str,
    remote: JobVolume,
    job: JobInfo | None,
    *,
    show: Callable[[str], None],
    runs_dir: Path,
    cards_dir: str | Path | None,
) -> JobRun:
    """Follow the job, if there is one, then move the run from the volume into the runs folder."""
    from hf_newscls.jobs import follow, hardware, launch, volume
    from hf_newscls.workflow.cards import write_card

    if job is None:
        logger.info("an earlier job finished this training; fetching the run")
    else:
        follow.check_success(follow.follow_job(account, job.id, show=show))
    result = volume.read_result(remote)
    if result is None:
        raise JobError(f"{remote.address}: no finished run there; it was fetched before, or must be trained again")
    run = RunFolder(runs_dir / result.recipe / result.run)
    volume.fetch_run(remote, f"{result.recipe}/{result.run}", run.path)
    local_recipe = _name_recipe(runs_dir, remote.name)
    if local_recipe.is_file():
        _localize(run, read_run_recipe(local_recipe))
    write_card(run, run.read_recipe(), cards_dir=None if cards_dir is None else Path(cards_dir))
    run.mark_latest()
    cost = hardware.compute_cost(launch.find_jobs(account, remote.name), hardware.read_prices())
    try:
        volume.remove(remote)
        local_recipe.unlink(missing_ok=True)  # last: until then the run may be fetched again
    except PublishError as error:  # the run is here
        logger.warning("%s; the files stay there", error)
    return JobRun(load_run(run.path), cost, result.url)


def _name_recipe(runs_dir: Path, name: str) -> Path:
    """Return the path of the recipe of a training, as it is on this machine."""
    return runs_dir / ".jobs" / f"{name}.yaml"


def _localize(run: RunFolder, recipe: Recipe) -> None:
    """Replace the addresses of the job in a run by those of this machine."""
    run.write_recipe(recipe)
    write_json(run.split, {**run.read_json(run.split), "source": recipe.data.source_text})
