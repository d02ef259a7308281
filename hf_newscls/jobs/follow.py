"""Follow a job until it ends: its log lines as they come, also when the connection fails for a while."""

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice

from huggingface_hub import HfApi, JobInfo, JobStage

from hf_newscls.errors import JobDetached, JobError, PublishError, format_duration
from hf_newscls.hub.retry import has_answered, report_failures
from hf_newscls.jobs.launch import has_ended, inspect_job

_PATIENCE_SECONDS = 300.0  # without any answer of the Hub
_WAIT_SECONDS = 5.0

logger = logging.getLogger(__name__)


def follow_job(account: str, job_id: str, *, show: Callable[[str], None]) -> JobInfo:
    """Call `show` with each line of a job's log until the job ends, and return the job.

    Raises:
        JobDetached: Ctrl-C; the job goes on.
        JobError: the Hub could not be reached for minutes; the job goes on.
        PublishError: there is no such job.
    """
    try:
        with _detaching():
            return _follow(account, job_id, show=show)
    except KeyboardInterrupt:
        raise JobDetached(
            f"detached; the job {job_id} goes on, and costs: `hf-newscls jobs attach {job_id}` follows it, "
            f"`hf-newscls jobs cancel {job_id}` cancels it"
        ) from None


def _follow(account: str, job_id: str, *, show: Callable[[str], None]) -> JobInfo:
    shown, lost_since, job = 0, None, None
    while True:
        try:
            job = inspect_job(account, job_id)
            if not has_ended(job):
                lost_since = None
            for line in islice(_read_log(account, job_id), shown, None):  # each connection sends the whole log
                show(line)
                shown += 1
            return inspect_job(account, job_id)
        except PublishError as error:
            if has_answered(error):
                raise
            lost_since = lost_since or time.monotonic()
            if time.monotonic() - lost_since > _PATIENCE_SECONDS:
                if job is not None and has_ended(job):
                    return job  # its log is lost, but not its result
                raise JobError(
                    f"the Hub could not be reached for {format_duration(_PATIENCE_SECONDS)} ({error}); the job goes on "
                    f"and costs; follow it with `hf-newscls jobs attach {job_id}`"
                ) from error
        logger.info("connection to the job lost; trying again in %.0f s", _WAIT_SECONDS)
        time.sleep(_WAIT_SECONDS)


def check_success(job: JobInfo) -> None:
    """Refuse a job that ended without a result.

    Raises:
        JobError: says why it ended, and how to go on.
    """
    if job.status.stage == JobStage.COMPLETED:
        return
    reason = f"{job.status.stage}{f': {job.status.message}' if job.status.message else ''}"
    time_limit = " with a longer --timeout" if "timeout" in reason.lower() else ""
    raise JobError(
        f"the job {job.id} ended without a result ({reason}); run the same command again{time_limit}: it goes on from "
        f"the last checkpoint"
    )


def _read_log(account: str, job_id: str) -> Iterator[str]:
    with report_failures(f"follow the job {job_id}", remedy="`hf-newscls jobs` lists yours"):
        yield from HfApi().fetch_job_logs(job_id=job_id, namespace=account, follow=True)


@contextmanager
def _detaching() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt, whatever it does outside the block."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
