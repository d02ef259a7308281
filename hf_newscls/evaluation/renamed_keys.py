"""Keys of metrics.json and seeds.json that had another name in an earlier version; such files are still read."""

from collections.abc import Mapping
from typing import Any

RENAMED_METRICS: Mapping[str, str] = {"matthews": "mcc"}
_RENAMED = {
    **RENAMED_METRICS,
    "abstention": "risk_coverage",
    "share_cut_off": "fraction_cut_off",
    "shares": "fractions",
}
# The keys below these are names of labels and classifiers, which stay as they are.
_HOLD_NAMES = {"per_class", "label_intervals", "comparisons", "probabilities", "figure_labels"}


def rename_old_keys(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a metrics.json or seeds.json under today's names.

    >>> rename_old_keys({"test": {"matthews": 0.5}, "label_intervals": {"shares": [0.1, 0.2]}})
    {'test': {'mcc': 0.5}, 'label_intervals': {'shares': [0.1, 0.2]}}
    """
    renamed = {_RENAMED.get(key, key): _rename_below(key, value) for key, value in content.items()}
    return _undo_advice(renamed) if {"temperature", "before", "scores"} <= renamed.keys() else renamed


def _undo_advice(calibration: dict[str, Any]) -> dict[str, Any]:
    """Return the calibration of a run of version 0.2, which advised a temperature but did not apply it to the model."""
    return {**calibration, "temperature": 1.0, "after": calibration["before"], "scores_before": {}}


def rename_old_metrics(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by metric under today's names; only the first level changes, so the values can be anything.

    >>> rename_old_metrics({"matthews": 0.5, "accuracy": 0.9})
    {'mcc': 0.5, 'accuracy': 0.9}
    """
    return {RENAMED_METRICS.get(name, name): value for name, value in scores.items()}


def _rename_below(key: str, value: Any) -> Any:
    if key == "metric" and isinstance(value, str):
        return _RENAMED.get(value, value)
    if not isinstance(value, Mapping):
        return value
    if key in _HOLD_NAMES:
        return {name: _rename_below("", below) for name, below in value.items()}
    return rename_old_keys(value)
