import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub import JobInfo

from hf_newscls.errors import JobDetached, JobError, PublishError
from hf_newscls.jobs import follow, launch
from hf_newscls.jobs.bundle import Bundle
from hf_newscls.jobs.volume import JobVolume, find_volume
from tests.hub_server import ACCOUNT, READ_TOKEN, Fault, HubServer


@pytest.fixture
def start(hub_here: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., JobInfo]:
    """Start a job that prints two lines, or runs another script."""
    monkeypatch.setattr(launch, "_SETTLING_SECONDS", 0.0)

    def run(script: str = "echo one; echo two") -> JobInfo:
        bundle = Bundle("tiny-1", tmp_path, ["sh", "-c", script])
        volume = JobVolume("owner/jobs-artifacts", "tiny-1")
        find_volume(ACCOUNT, "tiny-1")
        return launch.start_job(ACCOUNT, bundle, volume, flavor="t4-small", timeout_seconds=60)

    return run


def wait(hub: HubServer, job: JobInfo) -> None:
    while not hub.hub.jobs[job.id].has_ended:
        time.sleep(0.02)


def test_token_is_sent_as_a_secret_only(start: Callable[..., JobInfo], hub_here: HubServer) -> None:
    spec = hub_here.hub.jobs[start().id].spec
    token = spec.pop("secrets")["HF_TOKEN"]
    assert token not in str(spec)


def test_start_with_a_lost_response_starts_one_job(start: Callable[..., JobInfo], hub_here: HubServer) -> None:
    hub_here.faults.append(Fault("lost answer", "POST", "/api/jobs/owner$"))
    assert [start().id] == [*hub_here.hub.jobs]


@pytest.mark.parametrize("kind", ["no answer", "status"])
def test_failed_start_starts_no_job(kind: str, start: Callable[..., JobInfo], hub_here: HubServer) -> None:
    hub_here.faults.append(Fault(kind, "POST", "/api/jobs/owner$", status=503))
    with pytest.raises(JobError, match="no job was started"):
        start()
    assert not hub_here.hub.jobs


def test_account_without_credit_is_told_where_to_add_some(start: Callable[..., JobInfo], hub_here: HubServer) -> None:
    hub_here.hub.jobs.has_credit = False
    with pytest.raises(JobError, match="settings/billing"):
        start()
    assert not hub_here.hub.jobs


def test_token_without_the_right_is_refused(hub_here: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", READ_TOKEN)
    with pytest.raises(PublishError, match="start and manage jobs"):
        launch.find_jobs(ACCOUNT, "tiny-1")


def test_public_bucket_is_refused(hub_here: HubServer) -> None:
    find_volume(ACCOUNT, "tiny-1")
    hub_here.hub.buckets["owner/jobs-artifacts"].private = False
    with pytest.raises(JobError, match="owner/jobs-artifacts"):
        find_volume(ACCOUNT, "tiny-1")


def test_each_line_is_shown_once_although_the_connection_fails(
    start: Callable[..., JobInfo], hub_here: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "_WAIT_SECONDS", 0.0)
    job, lines = start(), list[str]()
    wait(hub_here, job)
    hub_here.faults.append(Fault("status", "GET", "/logs$", status=500))
    # After the log was shown, the state cannot be read: the log is read again.
    hub_here.faults.append(Fault("status", "GET", f"{job.id}$", index=3, status=500))
    assert follow.follow_job(ACCOUNT, job.id, show=lines.append).status.stage == "COMPLETED"
    assert lines == ["one", "two"]


def test_unreachable_hub_ends_following_but_not_the_job(
    start: Callable[..., JobInfo], hub_here: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "_WAIT_SECONDS", 0.0)
    monkeypatch.setattr(follow, "_PATIENCE_SECONDS", 0.0)
    job = start()
    hub_here.faults.append(Fault("status", "GET", job.id, index=None, status=508))
    with pytest.raises(JobError, match=f"jobs attach {job.id}"):
        follow.follow_job(ACCOUNT, job.id, show=lambda line: None)
    wait(hub_here, job)
    assert hub_here.hub.jobs[job.id].stage == "COMPLETED"


def test_interrupt_detaches_and_the_job_goes_on(start: Callable[..., JobInfo], hub_here: HubServer) -> None:
    job = start()
    wait(hub_here, job)
    with pytest.raises(JobDetached, match=f"jobs attach {job.id}"):
        follow.follow_job(ACCOUNT, job.id, show=lambda line: signal.raise_signal(signal.SIGINT))
    assert hub_here.hub.jobs[job.id].stage == "COMPLETED"


def test_interrupt_detaches_also_while_the_connection_is_lost(
    start: Callable[..., JobInfo], hub_here: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = start()
    hub_here.faults.append(Fault("status", "GET", job.id, index=None, status=508))
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda seconds: signal.raise_signal(signal.SIGINT))
    monkeypatch.setattr(follow, "time", clock)  # not time.sleep itself: the threads of the server call it
    with pytest.raises(JobDetached, match=f"jobs attach {job.id}"):
        follow.follow_job(ACCOUNT, job.id, show=lambda line: None)


def test_unknown_job_is_refused(hub_here: HubServer) -> None:
    with pytest.raises(PublishError, match="no-such-job"):
        follow.follow_job(ACCOUNT, "no-such-job", show=lambda line: None)


def test_second_start_returns_the_running_job(start: Callable[..., JobInfo], hub_here: HubServer) -> None:
    assert [start("sleep 60").id, start("sleep 60").id] == [*hub_here.hub.jobs] * 2
    launch.cancel_job(ACCOUNT, *hub_here.hub.jobs)


def test_job_in_an_unknown_stage_is_active(start: Callable[..., JobInfo], hub_here: HubServer) -> None:
    job = start()
    wait(hub_here, job)
    found = launch.inspect_job(ACCOUNT, job.id)
    assert launch.find_active([found]) is None
    found.status.stage = "UPDATING"
    assert launch.find_active([found]) is found


def test_job_at_its_time_limit_names_the_option(start: Callable[..., JobInfo], hub_here: HubServer) -> None:
    hub_here.hub.jobs.speed = 1e6
    job = start("sleep 60")
    wait(hub_here, job)
    with pytest.raises(JobError, match="--timeout"):
        follow.check_success(launch.inspect_job(ACCOUNT, job.id))


def test_failed_job_is_tried_twice(start: Callable[..., JobInfo], hub_here: HubServer) -> None:
    job = start("echo no; exit 3")
    wait(hub_here, job)
    assert [line for line in hub_here.hub.jobs[job.id].log if line == "no"] == ["no", "no"]
    with pytest.raises(JobError, match="exit code: 3"):
        follow.check_success(launch.inspect_job(ACCOUNT, job.id))


def test_running_job_is_found_and_canceled(start: Callable[..., JobInfo], hub_here: HubServer) -> None:
    job = start("sleep 60")
    found = launch.find_active(launch.find_jobs(ACCOUNT, "tiny-1"))
    assert found is not None
    assert found.id == job.id
    launch.cancel_job(ACCOUNT, job.id)
    assert launch.find_active(launch.find_jobs(ACCOUNT, "tiny-1")) is None
