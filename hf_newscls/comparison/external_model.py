"""Measure a classifier from the Hub on a recipe's own test set."""

import logging

import numpy as np

from hf_newscls.comparison.discovery import find_commit
from hf_newscls.comparison.label_maps import map_labels, translate_probabilities
from hf_newscls.comparison.model_scores import Claim, ModelScores
from hf_newscls.comparison.published_predictions import check_predictions
from hf_newscls.data.manifest import hash_row
from hf_newscls.data.prepared.splits import PreparedData
from hf_newscls.evaluation.metrics import compute_scores
from hf_newscls.inference.predicting import load_classifier, predict_probabilities
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.report.predictions import PublishedPredictions

logger = logging.getLogger(__name__)


def measure_classifier(
    model: str, recipe: Recipe, prepared: PreparedData, *, trust_remote_code: bool = False
) -> ModelScores:
    """Predict the test set of a recipe with a model from the Hub, owner/name, and return its scores.

    Raises:
        PublishError: the Hub has no such model, or could not be reached.
        ModelError: the model cannot be loaded.
        RecipeError: the recipe does not map the model's labels.
    """
    commit, names = find_commit(model), prepared.label_names
    classifier = load_classifier(model, revision=commit, trust_remote_code=trust_remote_code)
    label_map = recipe.evaluation.label_maps.get(model, {})
    indices = map_labels(classifier.label_names, names, label_map, model=model)
    test = prepared.splits["test"]
    texts, references = test["text"][:], np.asarray(test["label"][:])
    logger.info("predicting %d test rows with %s", len(texts), model)
    probabilities = predict_probabilities(classifier, texts)
    predictions = PublishedPredictions(
        rows=[hash_row(text, names[label]) for text, label in zip(texts, references, strict=True)],
        label_names=names,
        references=references,
        probabilities=translate_probabilities(probabilities, indices, num_labels=len(names)),
    )
    scores = compute_scores(predictions.probabilities, references, top_k=recipe.evaluation.top_k)
    missing = [name for index, name in enumerate(names) if index not in indices]
    return ModelScores(
        model,
        "measured here",
        revision=commit,
        measured=Claim(recipe.data.dataset_id or recipe.name, prepared.manifest.fingerprint, scores=scores),
        predictions=check_predictions(predictions, source_name=model),
        notes=["measured here", *([f"never predicts {', '.join(missing)}"] if missing else [])],
    )
