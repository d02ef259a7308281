"""The temperature that calibrates probabilities, how certain it is, and whether other rows gain from it.

A temperature divides all logits (Guo et al. 2017, arXiv 1706.04599). It changes the confidence of a prediction, never
the predicted label. The log loss that remains at the best temperature measures only how well a model separates the
labels, so it chooses checkpoints (Berta et al. 2025, arXiv 2501.19195).

Rows of one article are right or wrong together, so they are in the same fold, and the standard errors are
cluster-robust (Liang and Zeger 1986).

Shape letters: N rows, L labels.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

# Of the log temperature: 0.05 to 20.
_BOUNDS = (-np.log(20), np.log(20))
_FOLDS = 10
_MOST_ROWS = 1_000_000

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class TemperatureFit:
    """A temperature that was fitted on validation."""

    temperature: float  # above 1 it lowers the confidence
    low: float  # of the 95% interval
    high: float
    rows: int  # that it was fitted on
    rows_needed: int | None  # for an interval without 1 at the same temperature; None if it cannot be said
    log_loss: float  # of the rows without a temperature
    held_out_log_loss: float  # of the rows, each with a temperature that was fitted on the other folds
    held_out_error: float  # standard error of the difference between the two
    is_folded: bool = False  # whether it was folded into the model's last layer

    @property
    def includes_one(self) -> bool:
        """Whether the interval includes 1, so that the temperature may be chance."""
        return self.low <= 1 <= self.high

    @property
    def is_reliable(self) -> bool:
        """Whether the temperature differs from 1, and lowers the log loss of rows that it was not fitted on.

        By more than a standard error: with one wrong row among fifty, everything depends on its fold.
        """
        return not self.includes_one and self.log_loss - self.held_out_log_loss > self.held_out_error


def measure_temperature(
    probabilities: ArrayLike, references: ArrayLike, *, groups: ArrayLike | None = None
) -> TemperatureFit:
    """Fit a temperature on at least one row outside the training set, with a Wald interval of its logarithm.

    If no row is wrong, the log loss has no minimum; then, and with one article only, the interval is all temperatures.

    Args:
        probabilities: (N, L).
        references: (N,).
        groups: (N,), equal for rows of one article, which count together; by default each row is an article.
    """
    logits, labels = _to_logits(probabilities), np.asarray(references)
    articles = np.arange(len(labels)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    center = _fit(logits, labels)
    margin = 1.96 * _compute_standard_error(logits / np.exp(center), labels, articles)
    low, high = np.exp(np.clip([center - margin, center + margin], *_BOUNDS)).tolist()
    losses, held_out = _compute_losses(logits, labels), _cross_validate(logits, labels, articles)
    gains = losses - held_out
    return TemperatureFit(
        temperature=float(np.exp(center)),
        low=low,
        high=high,
        rows=len(labels),
        rows_needed=_count_needed_rows(len(labels), center, margin),
        log_loss=float(losses.mean()),
        held_out_log_loss=float(held_out.mean()),
        held_out_error=_compute_deviation(gains - gains.mean(), articles) / len(labels),
    )


def fit_temperature(probabilities: ArrayLike, references: ArrayLike) -> float:
    """Return the temperature between 0.05 and 20 that minimizes the log loss on rows outside the training set.

    Probabilities have shape (N, L), references (N,). Without rows it is 1.
    """
    return float(np.exp(_fit(_to_logits(probabilities), np.asarray(references))))


def compute_refined_log_loss(probabilities: ArrayLike, references: ArrayLike) -> float:
    """Return the log loss at the temperature that suits these rows best, in nats.

    Probabilities have shape (N, L), references (N,). Scaling all logits does not change it, within the bounds of the
    temperature.

    >>> one, other = [[0.8, 0.2], [0.6, 0.4]], [[0.6, 0.4], [0.8, 0.2]]  # which row is the wrong one?
    >>> [round(compute_refined_log_loss(rows, [0, 1]), 3) for rows in (one, other)]
    [0.569, 0.706]
    """
    logits, labels = _to_logits(probabilities), np.asarray(references)
    return float(_compute_losses(logits / np.exp(_fit(logits, labels)), labels).mean())


def scale_probabilities(probabilities: ArrayLike, temperature: float) -> Floats:
    """Return the probabilities (N, L) after dividing their logits by a temperature.

    >>> scale_probabilities([[0.8, 0.2]], 0.5).round(4).tolist()
    [[0.9412, 0.0588]]
    """
    scaled: Floats = softmax(_to_logits(probabilities) / temperature, axis=1)
    return scaled


def _fit(logits: Floats, labels: Labels) -> float:
    """Return the logarithm of the best temperature."""
    if not len(labels):
        return 0.0
    found = minimize_scalar(
        lambda log_temperature: _compute_losses(logits / np.exp(log_temperature), labels).mean(),
        bounds=_BOUNDS,
        method="bounded",
        options={"xatol": 1e-4},
    )
    return float(found.x)


def _compute_losses(logits: Floats, labels: Labels) -> Floats:
    """Return the cross-entropy of each row, shape (N,)."""
    losses: Floats = -log_softmax(logits, axis=1)[np.arange(len(labels)), labels]
    return losses


def _compute_standard_error(scaled: Floats, labels: Labels, articles: Labels) -> float:
    """Return the standard error of the log temperature, from the derivatives of the log loss at the scaled logits."""
    # Of a row's loss, the first derivative is the logit of its label less the mean of its logits under its own
    # probabilities; the second, summed over rows at the minimum, is their variance.
    probabilities = softmax(scaled, axis=1)
    means = (probabilities * scaled).sum(axis=1, keepdims=True)
    information = float((probabilities * (scaled - means) ** 2).sum())
    is_right = scaled.argmax(axis=1) == labels
    if is_right.all() or not articles.any() or information == 0:
        return np.inf
    scores = scaled[np.arange(len(labels)), labels] - means[:, 0]
    return _compute_deviation(scores, articles) / information


def _compute_deviation(values: Floats, articles: Labels) -> float:
    """Return the standard deviation of the sum of values with mean 0, shape (N,), over independent articles."""
    return float(np.linalg.norm(np.bincount(articles, weights=values)))


def _count_needed_rows(rows: int, center: float, margin: float) -> int | None:
    # At a bound the log loss has no minimum, so its curvature says nothing.
    if abs(center) > 0.99 * _BOUNDS[1] or abs(center) * (_MOST_ROWS / rows) ** 0.5 < margin:
        return None
    return math.ceil(rows * (margin / center) ** 2)


def _cross_validate(logits: Floats, labels: Labels, articles: Labels) -> Floats:
    """Return the cross-entropy (N,) of rows, each with a temperature that was fitted on the other folds of articles."""
    folds, losses = articles % _FOLDS, np.empty(len(labels))
    for fold in np.unique(folds):
        is_held = folds == fold
        temperature = np.exp(_fit(logits[~is_held], labels[~is_held]))
        losses[is_held] = _compute_losses(logits[is_held] / temperature, labels[is_held])
    return losses


def _to_logits(probabilities: ArrayLike) -> Floats:
    """Return logits up to a constant in each row, which does not change the softmax."""
    # A probability of 0 is one too small for float32, so the smallest number of float32 replaces it.
    smallest = float(np.finfo(np.float32).tiny)
    logits: Floats = np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), smallest))
    return logits
