"""Gather what a repository of a model holds: the model, its card, what was measured, and predictions without text."""

from collections.abc import Mapping

import yaml
from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

from hf_newscls.hub.predictions import PREDICTIONS_FILE, hash_predictions, predictions_to_parquet
from hf_newscls.hub.pushing import Content
from hf_newscls.recipe import Recipe
from hf_newscls.run_folder import RunFolder

__all__ = ["METRICS_FILE", "OWNED_FILES", "stage_run"]

METRICS_FILE = "metrics.json"
"""What was measured, beside the weights."""

_BENCHMARK_FILE = ".eval_results/hf_newscls.yaml"

OWNED_FILES = (
    "*.safetensors",
    "*.safetensors.index.json",
    "pytorch_model*.bin*",
    "adapter_config.json",
    "configuration_newscls.py",
    "modeling_newscls.py",
    "heads.py",
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
        RunError: its metrics cannot be read.
    """
    model = {path.relative_to(run.model).as_posix(): path for path in sorted(run.model.rglob("*")) if path.is_file()}
    files: dict[str, Content] = {
        **model,
        "README.md": card.encode(),
        METRICS_FILE: run.metrics,
        PREDICTIONS_FILE: predictions_to_parquet(hash_predictions(run.predictions)),
    }
    if recipe.hub.benchmark is not None:
        scores: Mapping[str, float] = run.read_json(run.metrics)["test"]
        files[_BENCHMARK_FILE] = _write_benchmark(recipe, scores, date=run.read_json(run.training)["finished"])
    return files


def _write_benchmark(recipe: Recipe, scores: Mapping[str, float], *, date: str) -> bytes:
    """Write what feeds the Hub's own leaderboard of a benchmark dataset."""
    section = recipe.hub.benchmark
    entry = EvalResultEntry(
        dataset_id=section.dataset_id,
        task_id=section.task_id,
        value=round(scores[section.metric], 6),
        dataset_revision=section.revision,
        date=date,
        notes=f"hf_newscls, recipe {recipe.name}",
    )
    return yaml.safe_dump(eval_result_entries_to_yaml([entry]), sort_keys=False).encode()
