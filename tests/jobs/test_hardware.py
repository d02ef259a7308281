import pytest
from huggingface_hub import JobInfo

from hf_newscls.errors import InputError
from hf_newscls.jobs.hardware import compute_cost, compute_hourly_price, find_hardware, parse_timeout
from tests.hub_server import HubServer


def test_price_of_an_hour_is_that_of_sixty_minutes(hub_here: HubServer) -> None:
    assert compute_hourly_price(find_hardware("t4-small")) == pytest.approx(0.40, abs=0.001)


@pytest.mark.parametrize(
    ("flavor", "fragment"), [("t4-smal", "'t4-small'"), ("tpu", "cpu-basic, t4-small"), ("l4x4", "4 GPUs")]
)
def test_wrong_flavor_is_refused_with_the_right_one(flavor: str, fragment: str, hub_here: HubServer) -> None:
    with pytest.raises(InputError) as error:
        find_hardware(flavor)
    assert flavor in str(error.value)
    assert fragment in str(error.value)


@pytest.mark.parametrize("text", ["2", "0h", "0.5s", "two hours", "-1h", ""])
def test_wrong_time_limit_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--timeout"):
        parse_timeout(text)


def test_cost_adds_up_jobs_on_different_hardware() -> None:
    jobs = [
        build_job("t4-small", 1800),
        build_job("t4-medium", 3600),
        build_job("t4-small", 1800),
        build_job("gone", 60),
    ]
    cost = compute_cost(jobs, {"t4-small": 0.4, "t4-medium": 0.6})
    assert (cost.flavor, cost.seconds, cost.usd) == ("gone, t4-medium, t4-small", 7260, pytest.approx(1.0))


def build_job(flavor: str, seconds: int) -> JobInfo:
    owner = {"id": "1", "name": "owner", "type": "user"}
    durations = {"runningSecs": seconds}
    return JobInfo(id="1", flavor=flavor, owner=owner, status={"stage": "COMPLETED"}, durations=durations)
