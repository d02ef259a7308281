"""Keys and values of a recipe that had another name in an earlier version.

A recipe that uses an old name is refused with the new one. Only the recipe.yaml of an older run folder is still read.
"""

from collections.abc import Mapping
from typing import Any

__all__ = ["RENAMED_KEYS", "RENAMED_METRICS", "rename_old_keys"]

RENAMED_KEYS: Mapping[str, str] = {
    "adapter.alpha": "adapter.lora_alpha",
    "adapter.rank": "adapter.r",
    "data.contradictions": "data.conflicting_labels",
    "finetune.layer_decay": "finetune.layerwise_lr_decay",
    "hub.limits": "hub.limitations",
    "model.windows.max_windows_a_step": "model.windows.window_batch_size",
}
RENAMED_METRICS: Mapping[str, str] = {"matthews": "mcc", "eval_matthews": "eval_mcc"}
_KEYS_OF_METRICS = ("evaluation.threshold_metric", "training_arguments.metric_for_best_model")


def rename_old_keys(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content of an older run's recipe.yaml under today's names.

    >>> rename_old_keys({"adapter": {"rank": 8, "merge": True}})
    {'adapter': {'r': 8, 'merge': True}}
    >>> rename_old_keys({"evaluation": {"threshold_metric": "matthews"}})
    {'evaluation': {'threshold_metric': 'mcc'}}
    """
    return _rename(content, "")


def _rename(section: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    renamed: dict[str, Any] = {}
    for name, value in section.items():
        key = prefix + name
        if key in _KEYS_OF_METRICS:
            value = RENAMED_METRICS.get(value, value)
        new_name = RENAMED_KEYS.get(key, key).rpartition(".")[2]
        renamed[new_name] = _rename(value, f"{key}.") if isinstance(value, Mapping) else value
    return renamed
