"""Measure a classifier of someone else's on a recipe's own test set."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from hf_newscls.recipe.recipe import Recipe

if TYPE_CHECKING:
    from hf_newscls.compare.model_scores import Statement
    from hf_newscls.data.preparation import PreparedData

__all__ = ["measure_classifier"]

logger = logging.getLogger(__name__)


def measure_classifier(
    model: str, recipe: Recipe, prepared: PreparedData, *, trust_remote_code: bool = False
) -> Statement:
    """Predict the test set with a model on the Hub, and return its scores as a statement of our own.

    Args:
        model: owner/name on the Hub.
        recipe: whose test set it is, and which says what the model calls its labels.
        prepared: of the recipe.
        trust_remote_code: run code that travels with the model.

    Raises:
        PublishError: the Hub knows no such model, or could not be reached.
        ModelError: it cannot be loaded.
        RecipeError: the recipe does not say what its labels are.
    """
    import numpy as np

    from hf_newscls.compare.discovery import find_commit
    from hf_newscls.compare.label_maps import map_labels, translate_probabilities
    from hf_newscls.compare.model_scores import Claim, Statement
    from hf_newscls.compare.published_predictions import check_predictions
    from hf_newscls.data.manifest import hash_row
    from hf_newscls.evaluation.metrics import compute_scores
    from hf_newscls.inference.predicting import load_classifier, predict_probabilities
    from hf_newscls.report.predictions import PublishedPredictions

    commit, names = find_commit(model), prepared.label_names
    classifier = load_classifier(model, revision=commit, trust_remote_code=trust_remote_code)
    label_map = recipe.evaluation.label_maps.get(model, {})
    indices = map_labels(classifier.label_names, names, label_map, model=model)
    test = prepared.splits["test"]
    texts, references = test["text"][:], np.asarray(test["label"][:])
    logger.info("predicting %d test rows with %s", len(texts), model)
    foreign = predict_probabilities(classifier, texts)
    predictions = PublishedPredictions(
        rows=[hash_row(text, names[label]) for text, label in zip(texts, references, strict=True)],
        label_names=names,
        references=references,
        probabilities=translate_probabilities(foreign, indices, num_labels=len(names)),
    )
    scores = compute_scores(predictions.probabilities, references, top_k=recipe.evaluation.top_k)
    dataset = recipe.data.dataset_id or recipe.name
    never = [name for index, name in enumerate(names) if index not in indices]
    return Statement(
        model,
        "measured here",
        commit,
        measured=Claim(dataset, prepared.manifest.fingerprint, scores=scores),
        predictions=check_predictions(predictions, source_name=model),
        notes=["measured here", *([f"never answers {', '.join(never)}"] if never else [])],
    )
