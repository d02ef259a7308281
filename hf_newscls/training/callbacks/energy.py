"""Measure the energy that a training takes, where the extra `energy` is installed."""

import importlib.util
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["EnergyReading", "measuring_energy"]

# The tracker tells emissions too, and wants a country for them; they are not taken from it.
_COUNTRY = "USA"

logger = logging.getLogger(__name__)


@dataclass
class EnergyReading:
    """What was measured, once the measuring has ended.

    Attributes:
        kwh: kilowatt-hours of the whole machine, or None where nothing was there to measure them.
    """

    kwh: float | None = None


@contextmanager
def measuring_energy() -> Iterator[EnergyReading]:
    """Measure what the machine uses meanwhile, with codecarbon, or do nothing where that is not installed.

    The tracker reads counters of processor and graphics card, and where there are none it reckons with their rated
    power. It sends nothing and writes no file, whatever a configuration file of its own says.
    """
    reading = EnergyReading()
    if importlib.util.find_spec("codecarbon") is None:
        yield reading
        return
    from codecarbon import OfflineEmissionsTracker

    tracker = OfflineEmissionsTracker(
        country_iso_code=_COUNTRY,
        output_methods=[],
        emissions_endpoint=None,
        electricitymaps_api_token="",  # with one it would ask a service for the mix of the grid
        allow_multiple_runs=True,  # else it writes a lock and takes Ctrl-C for itself
        log_level="error",
    )
    tracker.start()
    try:
        yield reading
    finally:
        tracker.stop()
    # Where it could not start it has said so in its own log, and has no such attribute.
    found = getattr(tracker, "final_emissions_data", None)
    if found is not None and found.energy_consumed > 0:
        reading.kwh = found.energy_consumed
        logger.info("used about %.3g kWh", reading.kwh)
