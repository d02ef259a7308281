"""The files of a model's repository."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from huggingface_hub import parse_eval_result_entries

from hf_newscls.errors import RecipeError
from hf_newscls.hub.commit import Content
from hf_newscls.hub.staging import DELETE_PATTERNS, stage_run
from hf_newscls.runs.folder import RunFolder
from hf_newscls.storage import write_json
from tests.conftest import FinishedRun

BENCHMARK = {"dataset_id": "owner/bench", "task_id": "topics", "metric": "f1_macro", "revision": "a" * 40}


def stage(found: FinishedRun, **benchmark: str) -> dict[str, Content]:
    content = found.recipe.model_dump()
    content["hub"]["benchmark"] = benchmark or None
    return stage_run(found.run, type(found.recipe).model_validate(content), card="# The card")


def test_model_card_metrics_and_predictions_are_staged(tiny_run: FinishedRun) -> None:
    files = stage(tiny_run)
    model = {
        path.relative_to(tiny_run.run.model).as_posix() for path in tiny_run.run.model.rglob("*") if path.is_file()
    }
    assert files.keys() == model | {"metrics.json", "predictions.parquet"}
    assert files["README.md"] == b"# The card"
    assert files["metrics.json"] == tiny_run.run.metrics


def test_comparison_with_another_run_is_not_published(tiny_run: FinishedRun, tmp_path: Path) -> None:
    run = RunFolder(shutil.copytree(tiny_run.run.path, tmp_path / "run"))
    metrics = run.read_json(run.metrics)
    differences = {"model.model_name_or_path": ["owner/encoder", "/home/ann/encoder"]}
    write_json(run.metrics, {**metrics, "side_by_side": {"recipe": "plain", "differences": differences}})
    files = stage(replace(tiny_run, run=run))
    assert isinstance(files["metrics.json"], bytes)
    assert {**json.loads(files["metrics.json"]), "side_by_side": None} == metrics


def test_staging_is_deterministic(tiny_run: FinishedRun) -> None:
    assert stage(tiny_run, **BENCHMARK) == stage(tiny_run, **BENCHMARK)


def test_benchmark_file_has_the_score(tiny_run: FinishedRun) -> None:
    content = stage(tiny_run, **BENCHMARK)[".eval_results/hf_newscls.yaml"]
    assert isinstance(content, bytes)
    (entry,) = parse_eval_result_entries(yaml.safe_load(content))
    assert (entry.dataset_id, entry.task_id, entry.dataset_revision) == ("owner/bench", "topics", "a" * 40)
    assert entry.value == round(tiny_run.report.test.scores["f1_macro"], 6)
    assert entry.date == json.loads(tiny_run.run.training.read_text())["finished"]


def test_unknown_benchmark_metric_is_refused(tiny_run: FinishedRun) -> None:
    with pytest.raises(RecipeError, match=r"hub\.benchmark\.metric.*'bleu'.*'accuracy'"):
        stage(tiny_run, **{**BENCHMARK, "metric": "bleu"})


def test_delete_patterns_match_no_whole_folder() -> None:
    assert [pattern for pattern in DELETE_PATTERNS if pattern.startswith(("*", "/")) and "." not in pattern] == []
