"""Measure the energy of a training, if the extra `energy` is installed.

Not through `report_to: codecarbon`: transformers' callback looks up the machine's location on the network, writes a
file, and does not return the energy for the card.
"""

import importlib.util
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

# The tracker needs a country for its estimate of emissions, which is not used here.
_COUNTRY = "USA"

logger = logging.getLogger(__name__)


@dataclass
class EnergyReading:
    """Kilowatt-hours of the whole machine, after the measurement; None if it was not possible."""

    kwh: float | None = None


@contextmanager
def measuring_energy() -> Iterator[EnergyReading]:
    """Measure the energy used during the context with codecarbon, if it is installed.

    It sends nothing and writes no file, whatever codecarbon's own configuration file says.
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
        electricitymaps_api_token="",  # a token would send requests to a service
        allow_multiple_runs=True,  # otherwise it writes a lock file and handles Ctrl-C
        log_level="error",
    )
    tracker.start()
    try:
        yield reading
    finally:
        tracker.stop()
    # The attribute is missing if the tracker could not start, which it logs itself.
    found = getattr(tracker, "final_emissions_data", None)
    if found is not None and found.energy_consumed > 0:
        reading.kwh = found.energy_consumed
        logger.info("used about %.3g kWh", reading.kwh)
