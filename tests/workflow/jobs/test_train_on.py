"""A training on the test Hub, from end to end: the job is a real process."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hf_newscls import __version__
from hf_newscls.workflow import load_run
from tests.conftest import write_recipe
from tests.hub_server import TOKEN, HubServer
from tests.processes import Result, check_refusal

BUCKET = "owner/jobs-artifacts"
Call = Callable[..., Result]


@pytest.fixture
def own(tiny_encoder: Path, news_csv: Path, tmp_path: Path) -> Path:
    """A folder with a recipe, its data and its encoder."""
    folder = tmp_path / "own"
    shutil.copytree(tiny_encoder, folder / "encoder")
    shutil.copyfile(news_csv, folder / "news.csv")
    write_recipe(folder / "tiny.yaml", source=folder / "news.csv", encoder=folder / "encoder")
    return folder


def test_nothing_is_sent_without_a_yes(call: Call, hub_here: HubServer, own: Path, tmp_path: Path) -> None:
    result = call("train", str(own / "tiny.yaml"), "--on", "t4-small", "--runs-dir", str(tmp_path / "runs"))
    check_refusal(result, "--yes")
    assert "$0.40 an hour" in result.out
    assert "data/0/news.csv" in result.out
    assert (hub_here.hub.buckets.list_paths(BUCKET), [*hub_here.hub.jobs]) == ([], [])


def test_data_that_does_not_fit_is_refused_before_it_costs(call: Call, hub_here: HubServer, own: Path) -> None:
    result = call("train", str(own / "tiny.yaml"), "data.label=categry", "--on", "t4-small", "--yes")
    check_refusal(result, "categry")
    assert not hub_here.hub.jobs


@pytest.mark.slow
def test_killed_job_gives_the_weights_of_a_local_run(
    call: Call, hub_here: HubServer, own: Path, tmp_path: Path
) -> None:
    recipe, jobs = str(own / "tiny.yaml"), hub_here.hub.jobs
    here = call("train", recipe, "--runs-dir", str(tmp_path / "here"))
    assert here.code == 0, here.err

    def hide() -> None:
        """Let the job use only what was sent, and let the run not be fetched at its end."""
        own.rename(tmp_path / "away")
        hub_here.failures["/buckets/.*/tree/"] = 403

    jobs.before_start = hide
    jobs.kill_when = "runs/tiny/*/checkpoints/checkpoint-*/trainer_state.json"
    command = ("train", recipe, "--on", "cpu-basic", "--publish", "--yes", "--runs-dir", str(tmp_path / "runs"))
    lost = call(*command)
    assert lost.code == 1, lost.err
    (tmp_path / "away").rename(own)
    hub_here.failures.clear()
    there = call(*command)
    assert there.code == 0, there.err

    (job,) = jobs.values()
    assert len(job.folders) == 2
    assert [line for line in job.log if re.search(r"resuming .* from step [1-9]", line)], job.log
    weights = [tmp_path / name / "tiny" / "latest" / "model" / "model.safetensors" for name in ("here", "runs")]
    assert weights[0].read_bytes() == weights[1].read_bytes()

    inside = job.folders[0] / "mount" / "job"
    sent = {path.relative_to(inside).as_posix() for path in inside.rglob("*") if path.is_file()}
    model = {f"model/{path.name}" for path in (own / "encoder").iterdir()}
    wheel = f"hf_newscls-{__version__}-py3-none-any.whl"
    ours = {"recipe.yaml", "constraints.txt", "data/0/news.csv", wheel}
    assert {name for name in sent if not name.startswith("runs/")} - model == ours
    assert str(tmp_path / "own") not in (inside / "recipe.yaml").read_text(encoding="utf-8")

    run = load_run(tmp_path / "runs" / "tiny" / "latest")
    assert run.recipe.data.source == str(own / "news.csv")
    card = (run.model_dir / "README.md").read_text(encoding="utf-8")
    assert r"| HF Jobs | cpu\-basic, " in card
    assert r"| HF Jobs | cpu\-basic, " in hub_here.repos["owner/tiny"].read_files("main")["README.md"].decode()
    assert hub_here.hub.buckets.list_paths(BUCKET) == []
    assert TOKEN not in there.out + there.err + lost.out + lost.err + "".join(job.log)
    listed = call("jobs")
    assert job.id in listed.out
    assert "COMPLETED" in listed.out
    assert call("jobs", "attach", job.id).code == 1  # nothing is left there
    assert hub_here.errors == []
