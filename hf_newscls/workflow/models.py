"""What is done with trained models: predict, compare."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hf_newscls.errors import RunError, describe_offenders
from hf_newscls.recipe import ModelSection
from hf_newscls.recipe_io import read_recipe
from hf_newscls.run_folder import find_run, find_runs

if TYPE_CHECKING:
    from hf_newscls.hub.leaderboard import Leaderboard

__all__ = ["Prediction", "compare", "predict"]


@dataclass(frozen=True)
class Prediction:
    """The most probable labels of a text, best first, with their probabilities."""

    text: str
    labels: Sequence[str]
    probabilities: Sequence[float]


def predict(name_or_path: str, texts: Sequence[str], *, runs_dir: Path, top_k: int = 3) -> list[Prediction]:
    """Classify texts with a recipe's latest run, a run folder, a model folder or a model on the Hub.

    Raises:
        RunError: the recipe has no finished run.
        ModelError: the model cannot be loaded.
    """
    from hf_newscls.inference.predicting import load_classifier, predict_probabilities

    address = _find_model(name_or_path, runs_dir=runs_dir)
    classifier = load_classifier(address, encoder=_find_encoder(address))
    names = classifier.label_names
    predictions = []
    for text, row in zip(texts, predict_probabilities(classifier, texts), strict=True):
        best = (-row).argsort(kind="stable")[:top_k]
        predictions.append(Prediction(text, [names[label] for label in best], [float(row[label]) for label in best]))
    return predictions


def compare(recipe_names: Sequence[str], *, runs_dir: Path) -> list[Leaderboard]:
    """Rank the measured runs of some recipes, apart for each split.

    Raises:
        RunError: one of the recipes has no finished run.
    """
    from hf_newscls.hub.leaderboard import Entry, rank_entries

    runs = {name: find_runs(name, runs_dir=runs_dir) for name in recipe_names}
    without = [name for name in recipe_names if not runs[name]]
    if without:
        raise RunError(f"{runs_dir}: must hold finished runs of {describe_offenders(without)}, found none; train first")
    entries = []
    for run in (run for name in runs for run in runs[name]):
        metrics = run.read_json(run.metrics)
        low, high = metrics["intervals"]["accuracy"]
        entries.append(
            Entry(
                name=f"{run.path.parent.name}/{run.path.name}",
                fingerprint=metrics["split_fingerprint"],
                accuracy=metrics["test"]["accuracy"],
                f1_macro=metrics["test"]["f1_macro"],
                interval=(low, high),
            )
        )
    return rank_entries(entries)


def _find_encoder(model: str) -> ModelSection | None:
    """Return the encoder that a run's recipe names, for the model of a run."""
    recipe = Path(model).parent / "recipe.yaml"
    return read_recipe(str(recipe)).model if os.path.isfile(recipe) else None


def _find_model(name_or_path: str, *, runs_dir: Path) -> str:
    """Return a model folder or a Hub id: whatever is no run is left to transformers."""
    try:
        return str(find_run(name_or_path, runs_dir=runs_dir).model)
    except RunError:
        path = Path(name_or_path)
        if os.path.isfile(path / "recipe.yaml"):  # a run without its model
            raise
        if os.path.isfile(path / "config.json") or "/" in name_or_path:
            return name_or_path
        raise
