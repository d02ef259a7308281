"""Labels with probabilities that are too high or too low."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

Split = tuple[NDArray[np.float64], NDArray[np.int64]]


def draw(temperature: float, *, rows: int = 4000, labels: int = 4, seed: int = 1) -> Split:
    """Draw labels by true probabilities, and return those of a model that is over- or underconfident."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(rows, labels))
    truth = softmax(logits, axis=1)
    references = (truth.cumsum(axis=1) < rng.random((rows, 1))).sum(axis=1)
    return softmax(logits * temperature, axis=1), references
