"""What is done with trained models: predict."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hf_newscls.errors import RunError
from hf_newscls.recipe import ModelSection
from hf_newscls.recipe_io import read_recipe
from hf_newscls.run_folder import find_run

__all__ = ["Prediction", "predict"]


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
