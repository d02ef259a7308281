"""Collect the files of a model's repository: model, card, metrics, predictions without texts, and ONNX files."""

from collections.abc import Mapping
from typing import Any

import yaml
from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

from hf_newscls.errors import RecipeError, format_examples
from hf_newscls.evaluation.renamed_keys import rename_old_keys
from hf_newscls.files import list_files
from hf_newscls.hub.commit import CARD_FILE, Content
from hf_newscls.onnx_export.record import FLOAT_FILE, INT8_FILE, ONNX_FOLDER, RECORD_FILE
from hf_newscls.onnx_export.serving_config import add_serving_keys
from hf_newscls.recipe.hub import BenchmarkSection
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.report.predictions import PREDICTIONS_FILE, hash_predictions, predictions_to_parquet
from hf_newscls.runs.folder import RunFolder
from hf_newscls.storage import format_json

_METRICS_FILE = "metrics.json"
_CONFIG_FILE = "config.json"
_BENCHMARK_FILE = ".eval_results/hf_newscls.yaml"

DELETE_PATTERNS = (
    "*.safetensors",
    "*.safetensors.index.json",
    "pytorch_model*.bin*",
    "adapter_config.json",
    "configuration_*.py",
    "modeling_*.py",
    "heads.py",
    "windows.py",
    "tokenizer*",
    "vocab.*",
    "merges.txt",
    "special_tokens_map.json",
    "figures/*.png",
    _BENCHMARK_FILE,
    _METRICS_FILE,
    PREDICTIONS_FILE,
    FLOAT_FILE,
    INT8_FILE,
    RECORD_FILE,
)
"""Files that a push deletes if it does not replace them: left there, they would be loaded with the new model."""


def stage_run(run: RunFolder, recipe: Recipe, *, card: str, onnx: bool = False) -> dict[str, Content]:
    """Return the files of an evaluated run's repository, by path, with another card than the folder's.

    With `onnx`, the files of `run.export` are among them, and config.json has the keys that servers of them read.

    Raises:
        DataError: the predictions cannot be read.
        RecipeError: `hub.benchmark.metric` is not a score of the run.
        RunError: the metrics cannot be read.
    """
    metrics = rename_old_keys(run.read_json(run.metrics))
    files: dict[str, Content] = {
        **list_files(run.model),
        **(_stage_onnx(run) if onnx else {}),
        CARD_FILE: card.encode(),
        _METRICS_FILE: _select_metrics(run, metrics),
        PREDICTIONS_FILE: predictions_to_parquet(hash_predictions(run.predictions)),
    }
    if recipe.hub.benchmark is not None:
        date = run.read_json(run.training)["finished"]
        files[_BENCHMARK_FILE] = _write_benchmark(recipe.hub.benchmark, metrics["test"], date=date, recipe=recipe.name)
    return files


def _stage_onnx(run: RunFolder) -> dict[str, Content]:
    """Return the ONNX files with their record, and the config.json for both kinds of weights."""
    served = run.read_json(run.export / _CONFIG_FILE)
    config = add_serving_keys(run.read_json(run.model / _CONFIG_FILE), served)
    files = list_files(run.export / ONNX_FOLDER)
    return {
        **{f"{ONNX_FOLDER}/{name}": content for name, content in files.items()},
        _CONFIG_FILE: format_json(config).encode(),
    }


def _select_metrics(run: RunFolder, metrics: Mapping[str, Any]) -> Content:
    """Return the metrics without the comparison with another run, which may name paths of this machine."""
    selected = {**metrics, "side_by_side": None}
    if selected == run.read_json(run.metrics):
        return run.metrics
    return format_json(selected).encode()


def _write_benchmark(section: BenchmarkSection, scores: Mapping[str, float], *, date: str, recipe: str) -> bytes:
    """Return the entry for the Hub's leaderboard of a benchmark dataset, as YAML."""
    if section.metric not in scores:
        known = format_examples(name for name in scores if name not in {"rows", "per_class"})
        raise RecipeError(
            f"`hub.benchmark.metric` is {section.metric!r}, which is not a test score; write one of {known}"
        )
    entry = EvalResultEntry(
        dataset_id=section.dataset_id,
        task_id=section.task_id,
        value=round(scores[section.metric], 6),
        dataset_revision=section.revision,
        date=date,
        notes=f"hf_newscls, recipe {recipe}",
    )
    return yaml.safe_dump(eval_result_entries_to_yaml([entry]), sort_keys=False).encode()
