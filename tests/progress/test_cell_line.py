"""The line of progress in a real kernel, and two ranks that a notebook starts."""

import gc
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import write_recipe
from tests.processes import build_environment
from tests.training.test_ranks import launch

nbformat = pytest.importorskip("nbformat", reason="needs nbformat and nbclient")
nbclient = pytest.importorskip("nbclient", reason="needs nbformat and nbclient")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # jupyter's own warnings

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def collect_sockets() -> Iterator[None]:
    """Collect the sockets that nbclient leaves open here, where their warnings are allowed, not in a later test."""
    yield
    gc.collect()


def execute(*cells: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the cells of a notebook after a run in this environment."""
    for name, value in build_environment(folder, PYTHONPATH=str(ROOT), GLOO_SOCKET_IFNAME="lo").items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    resources = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(notebook, timeout=400, kernel_name="python3", resources=resources).execute()
    return list(notebook.cells)


def test_cell_shows_the_step_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = execute(
        "from hf_newscls.progress import report_progress",
        "report_progress('stage 2', 5, 20, unit='steps', note='loss <0.5')",
        "for done in range(21): report_progress('stage 2', done, 20, unit='steps')",
        "from hf_newscls.progress import showing\nwith showing(print): report_progress('reading', 1, 2)",
        folder=tmp_path,
        monkeypatch=monkeypatch,
    )
    (running,) = cells[1].outputs
    assert '<progress value="5" max="20">' in running.data["text/html"]
    assert "loss &lt;0.5" in running.data["text/html"]
    assert "5 of 20 steps" in running.data["text/plain"]
    assert [output.data["text/plain"] for output in cells[2].outputs] == [""]  # the step has ended
    (printed,) = cells[3].outputs
    assert printed.output_type == "stream"


def test_two_ranks_from_a_notebook_equal_those_of_the_command_line(
    tiny_encoder: Path, noisy_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_recipe(tmp_path / "tiny.yaml", source=noisy_csv, encoder=tiny_encoder)
    options = "--num_processes 2 --num_machines 1 --mixed_precision no --dynamo_backend no --multi_gpu"
    train = "-m hf_newscls train tiny.yaml --runs-dir"
    command = f"{sys.executable} -m accelerate.commands.launch {options} --main_process_port 0"
    execute(
        f"!{command} {train} from_cell",
        "import hf_newscls\nfrom accelerate import notebook_launcher",
        "def train(): hf_newscls.train('tiny.yaml', runs_dir='forked')\nnotebook_launcher(train, num_processes=2)",
        folder=tmp_path,
        monkeypatch=monkeypatch,
    )
    ended = launch(2, [*train.split(), "from_shell"], cwd=tmp_path, home=tmp_path)
    assert ended.returncode == 0, ended.stderr
    weights = "tiny/latest/model/model.safetensors"
    expected = (tmp_path / "from_shell" / weights).read_bytes()
    assert (tmp_path / "from_cell" / weights).read_bytes() == expected
    assert (tmp_path / "forked" / weights).read_bytes() == expected
