"""The hardware of HF Jobs, its price, and what jobs have cost."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from huggingface_hub import HfApi, JobHardwareInfo, JobInfo

from hf_newscls.errors import InputError, suggest_fix
from hf_newscls.hub.retry import call_hub
from hf_newscls.training.record import JobCost

_MINUTES = {"minute": 1, "hour": 60}  # in the unit of a price
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def find_hardware(flavor: str) -> JobHardwareInfo:
    """Return the Hub's entry for a flavor, with its price of today.

    Raises:
        InputError: there is no such flavor, or it has several GPUs.
        PublishError: the Hub cannot be reached.
    """
    by_name = _list_hardware()
    found = by_name.get(flavor)
    if found is None:
        hint = suggest_fix(flavor, [*by_name], otherwise=f"choose one of {', '.join(by_name)}")
        raise InputError(f"--on {flavor}: the Hub has no such hardware; {hint}")
    if found.accelerator is not None and int(found.accelerator.quantity) > 1:
        raise InputError(
            f"--on {flavor}: has {found.accelerator.quantity} GPUs, but a job trains on one; choose a flavor with one"
        )
    return found


def describe_hardware(hardware: JobHardwareInfo) -> str:
    """Return the name of a flavor for people, with its GPU or processor."""
    gpu = hardware.accelerator
    parts = f"{gpu.model}, {gpu.vram}" if gpu else f"{hardware.cpu}, {hardware.ram}"
    return f"{hardware.name} ({parts})"


def compute_hourly_price(hardware: JobHardwareInfo) -> float:
    """Return US dollars per hour."""
    return hardware.unit_cost_micro_usd / 1e6 * 60 / _MINUTES[hardware.unit_label]


def parse_timeout(text: str) -> int:
    """Return the seconds of a time limit.

    Raises:
        InputError: it is not a number with a unit, or less than a second.

    >>> parse_timeout("90m"), parse_timeout("1.5h")
    (5400, 5400)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text.strip())
    seconds = int(float(found[1]) * _SECONDS[found[2]]) if found else 0
    if seconds == 0:
        raise InputError(f"--timeout {text}: not a time limit; write it like 45m, 2h or 1d")
    return seconds


def read_prices() -> dict[str, float]:
    """Return US dollars per hour by flavor.

    Raises:
        PublishError: the Hub cannot be reached.
    """
    return {name: compute_hourly_price(hardware) for name, hardware in _list_hardware().items()}


def compute_cost(jobs: Iterable[JobInfo], prices: Mapping[str, float]) -> JobCost:
    """Return what the jobs of a training have cost up to now; a flavor that is no longer rented out counts 0."""
    seconds: Counter[str] = Counter()
    for job in jobs:
        seconds[str(job.flavor)] += (job.durations.running_secs or 0) if job.durations else 0
    usd = sum(prices.get(flavor, 0.0) * spent / 3600 for flavor, spent in seconds.items())
    return JobCost(", ".join(sorted(seconds)), seconds.total(), usd)


def _list_hardware() -> dict[str, JobHardwareInfo]:
    return {one.name: one for one in call_hub(HfApi().list_jobs_hardware, what="read the price list of HF Jobs")}
