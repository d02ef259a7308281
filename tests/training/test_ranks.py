"""Two processes with gloo, started by `accelerate launch`: one model on both, and the one that a single process has."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.conftest import write_csv, write_recipe
from tests.processes import build_environment

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
# 32 rows, 8 a step: 4 steps an epoch; stage 1 takes one, stage 2 two. No dropout, for each rank draws its own.
OVERRIDES = (
    "model.config={hidden_dropout_prob: 0.0, attention_probs_dropout_prob: 0.0}",
    "training_arguments.eval_strategy='no'",
    "training_arguments.save_strategy='no'",
    "training_arguments.load_best_model_at_end=false",
    "training_arguments.logging_steps=1",
)


def launch(processes: int, arguments: list[str], *, cwd: Path, home: Path) -> subprocess.CompletedProcess[str]:
    options = ["--num_processes", str(processes), "--num_machines", "1", "--mixed_precision", "no"]
    # accelerate starts ranks by itself only for GPUs; without one they meet through gloo.
    options += ["--dynamo_backend", "no", *(["--multi_gpu", "--main_process_port", "0"] if processes > 1 else [])]
    command = [sys.executable, "-m", "accelerate.commands.launch", *options, *arguments]
    environment = build_environment(home, PYTHONPATH=str(ROOT), GLOO_SOCKET_IFNAME="lo")
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, encoding="utf-8", timeout=400, check=False
    )


def train(processes: int, batch_rows: int, recipe: Path, output: Path, *overrides: str) -> list[dict[str, Any]]:
    output.mkdir()
    size = f"training_arguments.per_device_train_batch_size={batch_rows}"
    script = [str(ROOT / "tests" / "training" / "ranks.py"), str(recipe), str(output), *OVERRIDES, size, *overrides]
    ended = launch(processes, script, cwd=output, home=output)
    assert ended.returncode == 0, ended.stderr
    paths = [output / f"rank-{rank}-of-{processes}.pt" for rank in range(processes)]
    return [torch.load(path, weights_only=True) for path in paths]


def differ(one: dict[str, Any], other: dict[str, Any]) -> float:
    return max((one["state"][name] - value).abs().max().item() for name, value in other["state"].items())


# Frozen before the Trainer wraps the model, the backbone ends apart on the two ranks: nothing averages what it
# learns in stage 2. Cached features must not change that.
# Windows run in parts that are computed again in the backward pass.
@pytest.mark.parametrize(
    "overrides",
    [
        ("freeze.cache_features=true",),
        ("freeze.cache_features=false",),
        ("loss={name: focal, class_weights: balanced}", "training_arguments.gradient_accumulation_steps=2"),
        ("model={max_length: null, windows: {count: 4, length: 8, pooling: gru, window_batch_size: 3}}",),
    ],
    ids=["cached", "not cached", "loss", "windows"],
)
def test_ranks_stay_one_model(overrides: tuple[str, ...], tiny_encoder: Path, news_csv: Path, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "tiny.yaml", source=news_csv, encoder=tiny_encoder)
    first, second = train(2, 4, recipe, tmp_path / "two", *overrides)
    assert differ(first, second) == 0.0
    (single,) = train(1, 8, recipe, tmp_path / "one", *overrides)
    assert len(single["losses"]) == (6 if "accumulation" in overrides[-1] else 12)
    assert first["losses"] == pytest.approx(single["losses"], abs=1e-4)
    assert differ(first, single) < 1e-3


def test_command_line_makes_one_run(tiny_encoder: Path, noisy_csv: Path, tmp_path: Path) -> None:
    write_recipe(tmp_path / "tiny.yaml", source=noisy_csv, encoder=tiny_encoder)
    ended = launch(2, ["-m", "hf_newscls", "train", "tiny.yaml"], cwd=tmp_path, home=tmp_path)
    assert ended.returncode == 0, ended.stderr
    runs = [path for path in (tmp_path / "runs" / "tiny").iterdir() if path.name != "latest"]
    assert len(runs) == 1
    assert {"model", "metrics.json", "training.json", "predictions.parquet"} <= {*os.listdir(runs[0])}
    assert ended.stdout.count("test rows") == 1
    assert ended.stderr.count("finished runs/tiny/") == 1


def test_bad_input_is_reported_once(tiny_encoder: Path, noisy_csv: Path, tmp_path: Path) -> None:
    write_csv(tmp_path / "news.csv", [{"title": "a", "body": "b", "category": "C", "date": "2020-01-01"}])
    write_recipe(tmp_path / "tiny.yaml", source=tmp_path / "news.csv", encoder=tiny_encoder)
    ended = launch(2, ["-m", "hf_newscls", "train", "tiny.yaml"], cwd=tmp_path, home=tmp_path)
    assert ended.returncode != 0
    assert ended.stderr.count("error: ") == 1, ended.stderr
