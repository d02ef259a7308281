"""The calibration step of a training: fit a temperature on validation, and fold it into the model."""

import logging
from dataclasses import replace

import numpy as np
from datasets import Dataset

from hf_newscls.data.deduplication import GROUP
from hf_newscls.errors import ModelError
from hf_newscls.evaluation.calibration.temperature import TemperatureFit, measure_temperature
from hf_newscls.inference.predicting import TrainedClassifier, predict_probabilities
from hf_newscls.modeling.output_layer import fold_temperature
from hf_newscls.report.text import describe_fit

_CHECKED_ROWS = 8

logger = logging.getLogger(__name__)


def calibrate(classifier: TrainedClassifier, validation: Dataset) -> TemperatureFit:
    """Fit a temperature on validation and, if it is reliable, divide the model's logits by it, in place."""
    texts = validation["text"][:]
    probabilities = predict_probabilities(classifier, texts)
    found = measure_temperature(
        probabilities, np.asarray(validation["label"][:]), groups=np.asarray(validation[GROUP][:])
    )
    if found.is_reliable:
        found = replace(found, is_folded=_fold(classifier, found.temperature, texts[:_CHECKED_ROWS]))
    logger.info("%s", describe_fit(found))
    return found


def _fold(classifier: TrainedClassifier, temperature: float, texts: list[str]) -> bool:
    """Return whether the temperature could be folded in; if not, the training is not lost for it."""
    model, tokenizer = classifier.model, classifier.tokenizer
    batch = tokenizer(texts, padding=True, truncation=True, return_tensors="pt").to(model.device)
    try:
        fold_temperature(model, temperature, batch)
    except ModelError as error:
        logger.warning("the model stays uncalibrated: %s", error)
        return False
    return True
