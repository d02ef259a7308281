"""Other names of recipe keys and values: those before version 0.2, and those that a person may mean.

A recipe with an old name is refused with the new one. Only files in an older run folder are still read.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from hf_newscls.errors import suggest_name

RENAMED_KEYS: Mapping[str, str] = {
    "adapter.alpha": "adapter.lora_alpha",
    "adapter.rank": "adapter.r",
    "data.contradictions": "data.conflicting_labels",
    "finetune.layer_decay": "finetune.layerwise_lr_decay",
    "hub.language": "data.language",
    "hub.limits": "hub.limitations",
    "model.windows.max_windows_a_step": "model.windows.window_batch_size",
}
RENAMED_VALUES: Mapping[tuple[str, str], str] = {
    ("evaluation.threshold_metric", "matthews"): "mcc",
    ("hub.benchmark.metric", "matthews"): "mcc",
}


def rename_old_keys(content: Mapping[str, Any], keys: Mapping[str, str] = RENAMED_KEYS) -> dict[str, Any]:
    """Return the content of an older run's recipe.yaml, or of a file with other `keys`, under today's names.

    `keys` are paths. One that moves to another section is `section.name` before and after.

    >>> rename_old_keys({"adapter": {"rank": 8}, "evaluation": {"threshold_metric": "matthews"}})
    {'adapter': {'r': 8}, 'evaluation': {'threshold_metric': 'mcc'}}
    >>> rename_old_keys({"data": {"label": "topic"}, "hub": {"language": "de"}})
    {'data': {'label': 'topic', 'language': 'de'}, 'hub': {}}
    """
    renamed = _rename_below(content, keys, prefix="")
    for old, new in keys.items():
        (section, _, name), (target, _, new_name) = old.partition("."), new.partition(".")
        if section != target and name in renamed.get(section, {}):
            renamed.setdefault(target, {})[new_name] = renamed[section].pop(name)
    return renamed


def _rename_below(content: Mapping[str, Any], keys: Mapping[str, str], *, prefix: str) -> dict[str, Any]:
    """Rename within sections; `prefix` is the path that leads to the content, and ends with a period."""
    renamed: dict[str, Any] = {}
    for name, value in content.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            value = _rename_below(value, keys, prefix=f"{key}.")
        elif isinstance(value, str):
            value = RENAMED_VALUES.get((key, value), value)
        new = keys.get(key, key)
        renamed[new.removeprefix(prefix) if new.startswith(prefix) else name] = value
    return renamed


def suggest_key(name: str, known: Sequence[str]) -> str | None:
    """Return the only key with these initials, else the only one with this word, else the one spelled most like it.

    >>> keys = ["learning_rate", "lr_scheduler_type", "model_name_or_path", "label", "labels"]
    >>> [suggest_key(name, keys) for name in ("lr", "name", "label_column", "lerning_rate", "file")]
    ['learning_rate', 'model_name_or_path', 'label', 'learning_rate', None]
    """
    name = re.sub("_column(_name)?$", "", name)
    by_initials = [key for key in known if "".join(word[:1] for word in key.split("_")) == name]
    by_word = [key for key in known if name in key.split("_")]
    return next((keys[0] for keys in (by_initials, by_word) if len(keys) == 1), suggest_name(name, known))
