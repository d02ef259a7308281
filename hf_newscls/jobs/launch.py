"""Start, find, list and cancel jobs. A job costs money, so it is started once.

The response to a start can be lost. Jobs carry the name of their bundle as a label: before a start, and after a lost
response, the Hub is asked for jobs with this label.
"""

import logging
import time
from collections.abc import Sequence
from functools import partial

from huggingface_hub import HfApi, JobInfo, JobStage, get_token
from huggingface_hub.errors import HfHubHTTPError

from hf_newscls.errors import JobError, PublishError
from hf_newscls.hub.retry import HUB_FAILURES, build_publish_error, call_hub, has_answered
from hf_newscls.jobs.bundle import Bundle
from hf_newscls.jobs.volume import JobVolume

LABEL = "hf-newscls"
ATTEMPTS = 2
"""A job that fails is started once more, and goes on from its last checkpoint."""

_IMAGE = "ghcr.io/astral-sh/uv:python3.12-bookworm"
_ENDED = {JobStage.COMPLETED, JobStage.ERROR, JobStage.CANCELED, JobStage.DELETED}
_SETTLING_SECONDS = 2.0  # until a new job shows in the list
_REMEDIES = {
    401: "check HF_TOKEN, or run `hf auth login`",
    402: "add credits or a payment method at https://huggingface.co/settings/billing",
    403: "set HF_TOKEN to a token that may start and manage jobs",
}

logger = logging.getLogger(__name__)


def find_jobs(account: str, name: str) -> list[JobInfo]:
    """Return all jobs of a bundle, newest first.

    Raises:
        PublishError: the Hub refused or cannot be reached.
    """
    return _list(account, labels={LABEL: name})


def list_jobs(account: str) -> list[JobInfo]:
    """Return the jobs that hf-newscls started, newest first.

    Raises:
        PublishError: the Hub refused or cannot be reached.
    """
    # The Hub filters labels by value only.
    return [job for job in _list(account) if LABEL in (job.labels or {})]


def has_ended(job: JobInfo) -> bool:
    """Return whether a job has ended; one in a stage that is not known here has not, so that no other is started."""
    return job.status.stage in _ENDED


def find_active(jobs: Sequence[JobInfo]) -> JobInfo | None:
    """Return the newest job that waits for hardware or runs."""
    return next((job for job in jobs if not has_ended(job)), None)


def start_job(account: str, bundle: Bundle, volume: JobVolume, *, flavor: str, timeout_seconds: int) -> JobInfo:
    """Start the job of a bundle that was sent, or return the one that another process has started meanwhile.

    Raises:
        JobError: the Hub refused, and no job was started; or it is not known whether one was.
        PublishError: the Hub cannot be reached, and no job was started.
    """
    before = find_jobs(account, bundle.name)
    if active := find_active(before):
        return active
    try:
        return HfApi().run_job(
            image=_IMAGE,
            command=[*bundle.command],
            secrets={"HF_TOKEN": get_token()},
            flavor=flavor,
            timeout=timeout_seconds,
            attempts=ATTEMPTS,
            name=bundle.name,
            labels={LABEL: bundle.name},
            volumes=[volume.to_mount()],
            namespace=account,
        )
    except HUB_FAILURES as error:
        failure = _explain(error, flavor)
        if has_answered(failure):
            raise JobError(f"{failure}; no job was started") from error
    started = _find_started(account, bundle.name, before)
    if started is None:
        raise JobError(f"{failure}; no job was started")
    return started


def _find_started(account: str, name: str, before: Sequence[JobInfo]) -> JobInfo | None:
    """Return the job of a start with a lost response; None if there is none."""
    logger.info("the response to the start was lost; looking whether the job is there")
    time.sleep(_SETTLING_SECONDS)
    known = {job.id for job in before}
    try:
        return next((job for job in find_jobs(account, name) if job.id not in known), None)
    except PublishError as error:
        raise JobError(
            f"{error}; whether the job was started is not known: run the same command again, it looks first"
        ) from error


def inspect_job(account: str, job_id: str) -> JobInfo:
    """Return a job as it is now.

    Raises:
        PublishError: there is no such job, or the Hub cannot be reached.
    """
    look = partial(HfApi().inspect_job, job_id=job_id, namespace=account)
    return call_hub(look, what=f"look up the job {job_id}", remedy="`hf-newscls jobs` lists yours")


def cancel_job(account: str, job_id: str) -> None:
    """Cancel a job.

    Raises:
        PublishError: there is no such job, or the Hub cannot be reached.
    """
    cancel = partial(HfApi().cancel_job, job_id=job_id, namespace=account)
    call_hub(cancel, what=f"cancel the job {job_id}", remedy="`hf-newscls jobs` lists yours; while it runs, it costs")


def _list(account: str, labels: dict[str, str] | None = None) -> list[JobInfo]:
    listing = partial(HfApi().list_jobs, namespace=account, labels=labels)
    return call_hub(lambda: [*listing()], what="list the jobs", remedy=_REMEDIES[403])


def _explain(error: Exception, flavor: str) -> PublishError:
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else 0
    failure = build_publish_error(f"start a job on {flavor}", error, remedy=_REMEDIES.get(status, "try again later"))
    failure.__cause__ = error
    return failure
