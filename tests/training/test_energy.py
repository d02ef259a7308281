"""Energy is measured where codecarbon is installed, and nothing leaves the machine or stays on it."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from hf_newscls.training.energy import measuring_energy
from tests.processes import read_files, run_python

IS_INSTALLED = importlib.util.find_spec("codecarbon") is not None

# A user's own settings, which must not affect ours.
CONFIGURATION = """
[codecarbon]
output_methods = csv,api
save_to_file = true
save_to_api = true
emissions_endpoint = http://127.0.0.1:9/emissions
electricitymaps_api_token = token
allow_multiple_runs = false
"""

MEASURE = """
import json, signal, socket, time, warnings

def refuse(*arguments, **options):
    raise AssertionError(f"asked the network: {arguments}")

socket.socket.connect = socket.getaddrinfo = refuse
from hf_newscls.training.energy import measuring_energy

before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
with measuring_energy() as reading:
    inside, until = reading.kwh, time.perf_counter() + 2
    while time.perf_counter() < until:
        pass
print(json.dumps([inside, reading.kwh, before == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))]))
"""

# A tracker in codecarbon's place: it says how it was called, and can fail to start.
STAND_IN = """
class OfflineEmissionsTracker:
    def __init__(self, **options):
        assert options["output_methods"] == [] and options["emissions_endpoint"] is None

    def start(self):
        self.is_started = STARTS

    def stop(self):
        if self.is_started:
            self.final_emissions_data = type("Data", (), {"energy_consumed": KWH})
"""


def install(content: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a module of this content be imported as codecarbon until the test ends."""
    (folder / "codecarbon.py").write_text(content)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setitem(sys.modules, "codecarbon", None)  # the end of the test undoes this, and so the import
    monkeypatch.delitem(sys.modules, "codecarbon")


@pytest.mark.skipif(IS_INSTALLED, reason="codecarbon is installed")
def test_nothing_is_measured_without_codecarbon() -> None:
    with measuring_energy() as reading:
        pass
    assert reading.kwh is None


@pytest.mark.parametrize(
    ("starts", "kwh", "expected"), [("True", "0.25", 0.25), ("True", "0.0", None), ("False", "0.25", None)]
)
def test_reading_is_what_the_tracker_has_counted(
    starts: str, kwh: str, expected: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(STAND_IN.replace("STARTS", starts).replace("KWH", kwh), tmp_path, monkeypatch)
    with measuring_energy() as reading:
        assert reading.kwh is None
    assert reading.kwh == expected


def test_tracker_stops_when_the_training_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = STAND_IN.replace("STARTS", "True").replace("KWH", "1.0") + "        open('stopped', 'w').close()\n"
    install(stopped, tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ZeroDivisionError), measuring_energy():
        raise ZeroDivisionError
    assert (tmp_path / "stopped").exists()


@pytest.mark.slow
@pytest.mark.skipif(not IS_INSTALLED, reason="needs the extra `energy`")
def test_codecarbon_measures_and_leaves_nothing(tmp_path: Path) -> None:
    for folder in ("home", "work", "temporary"):
        (tmp_path / folder).mkdir()
    (tmp_path / "work" / ".codecarbon.config").write_text(CONFIGURATION)
    changes = {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "temporary")}
    result = run_python(MEASURE, cwd=tmp_path / "work", home=tmp_path / "home", environment=changes)
    assert result.code == 0, result.err
    inside, kwh, kept_signals = json.loads(result.out.splitlines()[-1])
    assert inside is None
    assert 0 < kwh < 0.01  # two seconds of a machine of less than 18 kW
    assert kept_signals
    assert [*read_files(tmp_path)] == ["work/.codecarbon.config"]
