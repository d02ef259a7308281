"""The scores of a report: what each is called on the Hub, its range, and which of them are used where."""

import re
from collections.abc import Mapping

HEADLINE_METRICS = ("accuracy", "f1_macro")
"""The scores that models are compared by first."""

DECISION_METRICS = ("accuracy", "balanced_accuracy", "f1_macro", "f1_weighted", "mcc")
"""Scores that depend only on the predicted labels."""

PROBABILITY_METRICS = ("log_loss", "brier_score", "calibration_error")
"""Scores of the probabilities; lower is better."""

TRAINING_METRICS = ("accuracy", "f1_macro", "f1_weighted", "log_loss")
"""The scores that are computed on validation during training, with `REFINED_LOG_LOSS`."""

REFINED_LOG_LOSS = "refined_log_loss"
"""The log loss that remains after calibration; only on validation."""

_TITLES: Mapping[str, str] = {
    "accuracy": "Accuracy",
    "f1_macro": "Macro F1",
    "f1_weighted": "Weighted F1",
    "precision_macro": "Macro precision",
    "precision_weighted": "Weighted precision",
    "recall_macro": "Macro recall",
    "recall_weighted": "Weighted recall",
    "balanced_accuracy": "Balanced accuracy",
    "mcc": "Matthews correlation",
    "roc_auc": "ROC AUC",
    "average_precision": "Average precision",
    "log_loss": "Log loss",
    "brier_score": "Brier score",
    "calibration_error": "Expected calibration error",
}
_TOP_K = re.compile(r"top_([1-9][0-9]{0,3})_accuracy")
_TOP_K_TITLE = re.compile(r"Top-([1-9][0-9]{0,3}) accuracy")
# The log loss has no upper limit; 1e6 nats is far beyond what any classifier reaches.
_RANGES: Mapping[str, tuple[float, float]] = {"log_loss": (0, 1e6), "brier_score": (0, 2), "mcc": (-1, 1)}


def is_metric(name: str) -> bool:
    """Return whether `compute_scores` computes a score of that name.

    >>> is_metric("f1_macro"), is_metric("top_3_accuracy"), is_metric("f1")
    (True, True, False)
    """
    return name in _TITLES or _TOP_K.fullmatch(name) is not None


def lower_is_better(metric: str) -> bool:
    """Return whether a lower value of the score is better."""
    return metric in PROBABILITY_METRICS


def score_range(metric: str) -> tuple[float, float]:
    """Return the lowest and the highest possible value of a score.

    >>> score_range("accuracy"), score_range("mcc")
    ((0, 1), (-1, 1))
    """
    return _RANGES.get(metric, (0, 1))


def name_metric(score: str) -> str:
    """Return the title of a score; an unknown name is returned unchanged.

    >>> name_metric("f1_macro"), name_metric("top_3_accuracy"), name_metric("BLEU")
    ('Macro F1', 'Top-3 accuracy', 'BLEU')
    """
    if match := _TOP_K.fullmatch(score):
        return f"Top-{match[1]} accuracy"
    return "Log loss after calibration" if score == REFINED_LOG_LOSS else _TITLES.get(score, score)


def phrase_metric(metric: str) -> str:
    """Return the title of a score as it is written within a sentence.

    >>> phrase_metric("f1_macro"), phrase_metric("log_loss")
    ('macro F1', 'log loss')
    """
    title = name_metric(metric)
    return f"{title[0].lower()}{title[1:]}"


def parse_metric_name(title: str) -> str | None:
    """Return the score that has this title, or None if it is not one of ours.

    >>> parse_metric_name("Macro F1"), parse_metric_name("Top-3 accuracy"), parse_metric_name("BLEU")
    ('f1_macro', 'top_3_accuracy', None)
    """
    if match := _TOP_K_TITLE.fullmatch(title):
        return f"top_{match[1]}_accuracy"
    return next((name for name, known in _TITLES.items() if known == title), None)
