"""What is done with trained models: predict, explain."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hf_newscls.errors import InputError, RunError, format_examples, suggest_name
from hf_newscls.files import PACKAGE_SCHEME, is_local_address
from hf_newscls.recipe.loading import is_recipe_path, read_run_recipe
from hf_newscls.recipe.model import ModelSection
from hf_newscls.runs.folder import find_run

if TYPE_CHECKING:
    from hf_newscls.inference.attribution import Attribution
    from hf_newscls.inference.predicting import TrainedClassifier

__all__ = ["Explanation", "Prediction", "explain", "predict"]


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
    from hf_newscls.inference.predicting import predict_probabilities

    classifier = _load(name_or_path, runs_dir=runs_dir)
    names = classifier.label_names
    predictions = []
    for text, row in zip(texts, predict_probabilities(classifier, texts), strict=True):
        best = (-row).argsort(kind="stable")[:top_k]
        predictions.append(Prediction(text, [names[label] for label in best], [float(row[label]) for label in best]))
    return predictions


@dataclass(frozen=True)
class Explanation:
    """What a model read of a text, its most probable label, and what the words did for it."""

    text: str
    label: str
    attribution: Attribution


def explain(
    name_or_path: str,
    texts: Sequence[str],
    *,
    runs_dir: Path,
    label: str | None = None,
    samples: int | None = None,
) -> Iterator[Explanation]:
    """Return what the words of each text did for its most probable label, or for one that is named, text by text.

    Args:
        name_or_path: as for `predict`.
        texts: to explain.
        runs_dir: where runs are.
        label: to explain; the most probable one of each text if None.
        samples: orders of the words to try; None as `attribute_words` takes it.

    Raises:
        InputError: captum is not installed, the model has no such label, or a text is too long for it.
        RunError: the recipe has no finished run.
        ModelError: the model cannot be loaded.
    """
    from hf_newscls.inference.attribution import attribute_words, check_captum, cut_to_read
    from hf_newscls.inference.predicting import predict_probabilities

    check_captum()
    classifier = _load(name_or_path, runs_dir=runs_dir)
    names = classifier.label_names
    if label is not None and label not in names:
        suggestion = suggest_name(label, names)
        raise InputError(
            f"--label: must be one of {format_examples(names)}, got {label!r}; "
            + (f"did you mean {suggestion!r}?" if suggestion else "name one of them")
        )

    def explain_one(text: str) -> Explanation:
        """Explain the label that was asked for, or the likeliest."""
        read = cut_to_read(classifier, text)
        index = int(predict_probabilities(classifier, [read])[0].argmax()) if label is None else names.index(label)
        attribution = attribute_words(classifier, read, label=index, samples=samples)
        return Explanation(read, names[index], attribution)

    return map(explain_one, texts)


def _load(name_or_path: str, *, runs_dir: Path) -> TrainedClassifier:
    from hf_newscls.inference.predicting import load_classifier

    address = _find_model(name_or_path, runs_dir=runs_dir)
    return load_classifier(address, encoder=_find_encoder(address))


def _find_encoder(model: str) -> ModelSection | None:
    """Return the encoder that a run's recipe names, for the model of a run."""
    recipe = Path(model).parent / "recipe.yaml"
    return read_run_recipe(recipe).model if os.path.isfile(recipe) else None


def _find_model(name_or_path: str, *, runs_dir: Path) -> str:
    """Return a model folder, the address of one in a package, or what can be a Hub id, where it is no run."""
    try:
        return str(find_run(name_or_path, runs_dir=runs_dir).model)
    except RunError:
        folder = os.path.expanduser(name_or_path)
        if os.path.isfile(os.path.join(folder, "recipe.yaml")):  # a run without its model
            raise
        is_model = any(os.path.isfile(os.path.join(folder, name)) for name in ("config.json", "adapter_config.json"))
        if is_model or name_or_path.startswith(PACKAGE_SCHEME) or _can_be_on_hub(name_or_path, runs_dir):
            return name_or_path
        raise


def _can_be_on_hub(name_or_path: str, runs_dir: Path) -> bool:
    is_local = is_local_address(name_or_path) or is_recipe_path(name_or_path)
    # A run that is not there can have the form of an id: runs/news.
    return name_or_path.count("/") == 1 and not is_local and Path(name_or_path).parent != runs_dir
