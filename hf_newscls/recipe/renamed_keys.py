"""Recipe keys and values that had another name before version 0.2.

A recipe with an old name is refused with the new one. Only the recipe.yaml of an older run folder is still read.
"""

from collections.abc import Mapping
from typing import Any

RENAMED_KEYS: Mapping[str, str] = {
    "adapter.alpha": "adapter.lora_alpha",
    "adapter.rank": "adapter.r",
    "data.contradictions": "data.conflicting_labels",
    "finetune.layer_decay": "finetune.layerwise_lr_decay",
    "hub.limits": "hub.limitations",
    "model.windows.max_windows_a_step": "model.windows.window_batch_size",
}
RENAMED_VALUES: Mapping[tuple[str, str], str] = {
    ("evaluation.threshold_metric", "matthews"): "mcc",
    ("hub.benchmark.metric", "matthews"): "mcc",
}


def rename_old_keys(section: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the content of an older run's recipe.yaml under today's names.

    Args:
        section: the content, or that of one section.
        prefix: path of the section, with a period at its end.

    >>> rename_old_keys({"adapter": {"rank": 8, "merge": True}})
    {'adapter': {'r': 8, 'merge': True}}
    >>> rename_old_keys({"evaluation": {"threshold_metric": "matthews"}})
    {'evaluation': {'threshold_metric': 'mcc'}}
    """
    renamed: dict[str, Any] = {}
    for name, value in section.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            value = rename_old_keys(value, f"{key}.")
        elif isinstance(value, str):
            value = RENAMED_VALUES.get((key, value), value)
        renamed[RENAMED_KEYS.get(key, key).removeprefix(prefix)] = value
    return renamed
