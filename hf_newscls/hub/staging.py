"""Gather what a repository of a model holds: the model, its card, what was measured, and predictions without text."""

import json
from collections.abc import Mapping

import yaml
from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

from hf_newscls.errors import RecipeError, format_examples
from hf_newscls.hub.commit import CARD_FILE, Content
from hf_newscls.recipe.recipe import BenchmarkSection, Recipe
from hf_newscls.report.predictions import PREDICTIONS_FILE, hash_predictions, predictions_to_parquet
from hf_newscls.runs.folder import RunFolder

__all__ = ["METRICS_FILE", "OWNED_FILES", "stage_run"]

METRICS_FILE = "metrics.json"
"""What was measured, beside the weights."""

_BENCHMARK_FILE = ".eval_results/hf_newscls.yaml"

OWNED_FILES = (
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
    METRICS_FILE,
    PREDICTIONS_FILE,
)
"""Patterns of what a push may remove: left by an earlier version, such files would be loaded with the new ones."""


def stage_run(run: RunFolder, recipe: Recipe, *, card: str) -> dict[str, Content]:
    """Return the files of a run's repository, by path.

    Args:
        run: a measured run.
        recipe: of the run.
        card: what becomes README.md, in place of the folder's own, which does not know the repository.

    Raises:
        DataError: its predictions are not what a run writes.
        RecipeError: it sends a benchmark a score that was not measured.
        RunError: its metrics cannot be read.
    """
    model = {path.relative_to(run.model).as_posix(): path for path in sorted(run.model.rglob("*")) if path.is_file()}
    files: dict[str, Content] = {
        **model,
        CARD_FILE: card.encode(),
        METRICS_FILE: _select_metrics(run),
        PREDICTIONS_FILE: predictions_to_parquet(hash_predictions(run.predictions)),
    }
    if recipe.hub.benchmark is not None:
        scores, date = run.read_json(run.metrics)["test"], run.read_json(run.training)["finished"]
        files[_BENCHMARK_FILE] = _write_benchmark(recipe.hub.benchmark, scores, date=date, notes=recipe.name)
    return files


def _select_metrics(run: RunFolder) -> Content:
    """Return what was measured of this model: another one is not this one's to publish, nor the paths in its recipe."""
    metrics = run.read_json(run.metrics)
    if metrics.pop("side_by_side", None) is None:
        return run.metrics
    return (json.dumps(metrics, indent=2, ensure_ascii=False) + "\n").encode()


def _write_benchmark(section: BenchmarkSection, scores: Mapping[str, float], *, date: str, notes: str) -> bytes:
    """Write what feeds the Hub's own leaderboard of a benchmark dataset."""
    if section.metric not in scores:
        known = format_examples(name for name in scores if name not in {"rows", "per_class"})
        raise RecipeError(f"`hub.benchmark.metric`: must be a test score, got {section.metric!r}; write one of {known}")
    entry = EvalResultEntry(
        dataset_id=section.dataset_id,
        task_id=section.task_id,
        value=round(scores[section.metric], 6),
        dataset_revision=section.revision,
        date=date,
        notes=f"hf_newscls, recipe {notes}",
    )
    return yaml.safe_dump(eval_result_entries_to_yaml([entry]), sort_keys=False).encode()
