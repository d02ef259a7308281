"""What the scores of a report are called on the Hub, and back."""

import re

__all__ = ["is_metric", "name_metric", "parse_metric_name"]

_TITLES = {
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


def is_metric(name: str) -> bool:
    """Return whether `compute_scores` knows a score of that name.

    >>> is_metric("f1_macro"), is_metric("top_3_accuracy"), is_metric("f1")
    (True, True, False)
    """
    return name in _TITLES or _TOP_K.fullmatch(name) is not None


def name_metric(score: str) -> str:
    """Return the title of a score.

    >>> name_metric("f1_macro"), name_metric("top_3_accuracy")
    ('Macro F1', 'Top-3 accuracy')
    """
    return _TITLES.get(score) or f"Top-{score.split('_')[1]} accuracy"


def parse_metric_name(title: str) -> str | None:
    """Return the score that `name_metric` gave the title, or None for a metric that is not ours.

    >>> parse_metric_name("Macro F1"), parse_metric_name("Top-3 accuracy"), parse_metric_name("BLEU")
    ('f1_macro', 'top_3_accuracy', None)
    """
    if match := _TOP_K_TITLE.fullmatch(title):
        return f"top_{match[1]}_accuracy"
    return next((name for name, known in _TITLES.items() if known == title), None)
