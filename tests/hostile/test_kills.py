"""A command that is killed at random moments ends with the result of one that nobody disturbed."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hf_newscls import workflow
from hf_newscls.recipe.loading import read_recipe
from tests.conftest import write_recipe
from tests.hub_server import Fault, HubServer
from tests.processes import build_environment, run_cli
from tests.tiny_models import save_encoder

pytestmark = pytest.mark.hostile


@pytest.mark.parametrize(
    ("command", "kills"), [("predict", 4), ("prepare", 4), ("train", 4), ("publish", 4), ("export", 4)]
)
def test_killed_at_random_moments(command: str, kills: int) -> None:
    program = [sys.executable, "-m", "tests.hostile.kills", command, "--kills", str(kills)]
    ended = subprocess.run(program, cwd=Path(__file__).parents[2], capture_output=True, encoding="utf-8", check=False)
    assert ended.returncode == 0, ended.stderr
    assert f"{command}: {kills} kills" in ended.stdout


def test_killed_in_the_middle_of_a_large_push(noisy_csv: Path, tmp_path: Path) -> None:
    encoder = save_encoder(tmp_path / "encoder", "bert", vocab_size=710_000)  # 91 MB, more than sockets hold
    recipe = write_recipe(tmp_path / "tiny.yaml", source=noisy_csv, encoder=encoder)
    run = workflow.train(read_recipe(str(recipe)), runs_dir=tmp_path / "runs")
    weights = (run.path / "model" / "model.safetensors").read_bytes()
    assert len(weights) > 90_000_000
    with HubServer() as hub:
        environment = hub.build_environment()
        waiting = Fault("slow", method="PUT", seconds=120)  # the server reads nothing
        hub.faults.append(waiting)
        publish = ("publish", str(run.path), "--repo-id", "owner/large")
        command = [sys.executable, "-m", "hf_newscls", *publish]
        process = subprocess.Popen(command, cwd=tmp_path, env=build_environment(tmp_path, **environment))
        while not waiting.fired and process.poll() is None:
            time.sleep(0.1)
        process.kill()
        assert process.wait() == -signal.SIGKILL
        hub.faults.clear()
        assert "model.safetensors" not in hub.repos["owner/large"].read_files("main")
        result = run_cli(*publish, cwd=tmp_path, home=tmp_path, environment=environment)
        assert result.code == 0, result.err
        repo = hub.repos["owner/large"]
        assert repo.git.read_log(repo.head)[0].title.startswith("Train")
        assert repo.read_files("main")["model.safetensors"] == weights
