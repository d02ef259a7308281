"""Predictions on a Ray cluster of two nodes on this machine: the same answers as one process, whatever fails."""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_newscls import workflow
from hf_newscls.errors import InputError, StorageError
from tests.conftest import FinishedRun, build_news_rows
from tests.processes import build_environment

pytest.importorskip("ray.data")
ray = pytest.importorskip("ray")
pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("ignore")]  # Ray's own warnings

ROWS = 12_000
SECONDS = 300

# Starts a cluster of two nodes, removes the second one when the first answers are written, and predicts.
PREDICT = """
import json, sys, threading, time
from pathlib import Path
import ray.data
from ray.cluster_utils import Cluster
from hf_newscls import workflow
asked = json.loads(sys.argv[1])
# With blocks of the usual size all answers are written at once, and there is no middle to be killed in.
ray.data.DataContext.get_current().target_max_block_size = 50_000
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 3})
second = cluster.add_node(num_cpus=3)
def remove():
    while not [*Path(asked["output"]).glob("*.parquet")]:
        time.sleep(0.1)
    cluster.remove_node(second, allow_graceful=False)
if asked.pop("lose_node"):
    threading.Thread(target=remove, daemon=True).start()
workflow.predict_with_ray(**asked, address=cluster.address, workers=2)
ray.shutdown()
"""


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of CSV files with ids that begin with zeros, and an empty text."""
    folder = tmp_path_factory.mktemp("rows")
    news = build_news_rows()
    table = pd.DataFrame([{**news[index % 120], "key": f"{index:06}"} for index in range(ROWS)])
    table["title"] = table["title"] + table.index.map(" {}".format)
    table.loc[7, ["title", "body"]] = ""
    for number in range(6):
        table.iloc[number::6].to_csv(folder / f"part{number}.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def numbered(rows: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same rows in Parquet files, with ids that are numbers."""
    folder = tmp_path_factory.mktemp("numbered")
    for path in rows.iterdir():
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        table.astype({"key": "int64"}).to_parquet(folder / f"{path.stem}.parquet")
    return folder


@pytest.fixture(scope="module")
def expected(rows: Path, tiny_run: FinishedRun, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The answers of one process."""
    output = tmp_path_factory.mktemp("expected") / "answers.parquet"
    workflow.predict_file(tiny_run.run.path, [str(rows / "*.csv")], output, keep=["key"], float32=True)
    return pd.read_parquet(output).sort_values("key", ignore_index=True)


def start(tiny_run: FinishedRun, rows: Path, output: Path, *, lose_node: bool) -> "subprocess.Popen[str]":
    asked = {
        "model": str(tiny_run.run.path),
        "inputs": [str(path) for path in sorted(rows.iterdir())],
        "output": str(output),
        "id_column": "key",
        "keep": [],
        "float32": True,
        "lose_node": lose_node,
    }
    environment = build_environment(output.parent, RAY_DATA_DISABLE_PROGRESS_BARS="1", PYTHONPATH=os.getcwd())
    command = [sys.executable, "-c", PREDICT, json.dumps(asked)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True)


def find_error(log: str) -> str:
    return log[log.rfind("Traceback") :][:3000]


def read_answers(output: Path) -> pd.DataFrame:
    return pd.read_parquet(output).sort_values("key", ignore_index=True)


def count_written(output: Path) -> int:
    """Return the rows of the files that are whole; a killed program may leave half a file."""
    rows = 0
    for path in output.glob("*.parquet"):
        with suppress(pa.ArrowInvalid):
            rows += pq.read_metadata(path).num_rows
    return rows


def test_lost_node_changes_no_answer(tiny_run: FinishedRun, rows: Path, expected: pd.DataFrame, tmp_path: Path) -> None:
    process = start(tiny_run, rows, tmp_path / "answers", lose_node=True)
    log, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, find_error(log)
    pd.testing.assert_frame_equal(read_answers(tmp_path / "answers"), expected, rtol=1e-4)


@pytest.mark.parametrize("kind", ["rows", "numbered"])
def test_killed_program_continues(
    kind: str, tiny_run: FinishedRun, expected: pd.DataFrame, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    rows, output = request.getfixturevalue(kind), tmp_path / "answers"
    expected = expected if kind == "rows" else expected.astype({"key": "int64"})
    process = start(tiny_run, rows, output, lose_node=False)
    deadline = time.monotonic() + SECONDS
    while not count_written(output):
        assert process.poll() is None, process.communicate()[0][-3000:]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    # The program and its cluster, whose processes have sessions of their own.
    for one in [*psutil.Process(process.pid).children(recursive=True), process]:
        one.kill()
    process.communicate()
    assert 0 < count_written(output) < ROWS
    process = start(tiny_run, rows, output, lose_node=False)
    log, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, find_error(log)
    pd.testing.assert_frame_equal(read_answers(output), expected, rtol=1e-4)
    one_file = str(next(rows.iterdir()))
    with pytest.raises(StorageError):
        workflow.predict_with_ray(tiny_run.run.path, one_file, str(output), id_column="key")


def test_cluster_that_does_not_answer_is_explained(tiny_run: FinishedRun, rows: Path, tmp_path: Path) -> None:
    inputs, output = str(next(rows.iterdir())), str(tmp_path / "answers")
    with pytest.raises(InputError, match=r"ray://127\.0\.0\.1:9"):
        workflow.predict_with_ray(tiny_run.run.path, inputs, output, id_column="key", address="ray://127.0.0.1:9")
    assert ray.data.DataContext.get_current().checkpoint_config is None


def test_error_of_a_worker_is_explained(tiny_run: FinishedRun, tmp_path: Path) -> None:
    (tmp_path / "news.csv").write_text("key,title\n1,rain\n")
    inputs, output = str(tmp_path / "news.csv"), str(tmp_path / "answers")
    with pytest.raises(InputError, match="'body'"):  # the column is missing
        workflow.predict_with_ray(tiny_run.run.path, inputs, output, id_column="key")
    assert not ray.is_initialized()
    assert ray.data.DataContext.get_current().checkpoint_config is None
