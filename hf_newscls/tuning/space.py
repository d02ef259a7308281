"""What a search tries: the default space, and the values of a trial."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from hf_newscls.errors import RecipeError
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.recipe.training import SearchSection

if TYPE_CHECKING:
    from optuna.trial import Trial

Space = Mapping[str, SearchSection]
Values = dict[str, object]

DEFAULT_SPACE: Space = {
    "training_arguments.learning_rate": SearchSection(low=1e-5, high=3e-4, log=True),
    "training_arguments.num_train_epochs": SearchSection(low=1, high=5),
    "training_arguments.per_device_train_batch_size": SearchSection(choices=[16, 32, 64]),
    "training_arguments.weight_decay": SearchSection(choices=[0.0, 0.01, 0.1]),
    "finetune.head_learning_rate": SearchSection(low=1e-4, high=1e-2, log=True),
    "finetune.layerwise_lr_decay": SearchSection(low=0.7, high=1.0, step=0.05),
    "freeze": SearchSection(choices=[None, {"epochs": 1, "steps": None, "learning_rate": 2e-2, "warmup": 0.1}]),
}
"""What is tried if a recipe has no `tune` section: how long, how fast, and whether the head is trained first."""


def check_space(space: Space, read: Callable[[Values], Recipe], *, source_name: str) -> None:
    """Refuse a space with values that a recipe does not accept: both ends of each range and each choice are tried.

    Args:
        space: to check.
        read: returns the recipe with these values.
        source_name: where the space is written.

    Raises:
        RecipeError: names the key, the value and the fix.
    """
    try:
        metrics = {read(values).training_arguments.get("metric_for_best_model") for values in _list_probes(space)}
    except RecipeError as error:
        raise RecipeError(f"{source_name}: {error}") from error
    if "loss" in metrics and any(key.partition(".")[0] == "loss" for key in space):
        raise RecipeError(
            "metric_for_best_model is 'loss', and tune changes the loss itself; write log_loss or f1_macro"
        )


def suggest_values(trial: Trial, space: Space) -> Values:
    """Return the values of a trial. Keys in a section that the trial leaves out have no value."""
    return _build_values(space, lambda key: _suggest(trial, key, space[key]))


def find_own_values(recipe: Recipe, space: Space) -> dict[str, Any]:
    """Return the recipe's own values as the sampler writes them, for keys whose value lies in the space."""
    content: Any = recipe.model_dump(mode="json")
    own: dict[str, Any] = {}
    for key, search in space.items():
        value = _look_up(content, key)
        if search.choices is not None:
            own.update((key, json.dumps(one)) for one in search.choices if _is_equal(value, one))
        elif isinstance(value, int | float) and search.low <= value <= search.high:
            own[key] = int(value) if _is_integer(search) else value
    return own


def _build_values(space: Space, choose: Callable[[str], object]) -> Values:
    """Choose a value for each key, sections before their keys; null leaves out the keys of a section."""
    values: Values = {}
    for key in sorted(space, key=lambda key: key.count(".")):
        if not any(key.startswith(f"{outer}.") and value is None for outer, value in values.items()):
            values[key] = choose(key)
    return values


def _list_probes(space: Space) -> Iterator[Values]:
    """Yield values that together hold both ends of each range and each choice."""
    options = {key: search.choices or [search.low, search.high] for key, search in space.items()}
    # Not null, which would leave out the keys of the section.
    first = {key: next((one for one in found if one is not None), None) for key, found in options.items()}
    for key, found in options.items():
        for option in found:
            yield _build_values(space, {**first, key: option}.__getitem__)


def _suggest(trial: Trial, key: str, search: SearchSection) -> object:
    if search.choices is not None:
        # Optuna stores choices as plain values; a mapping is none.
        return json.loads(trial.suggest_categorical(key, [json.dumps(one) for one in search.choices]))
    if _is_integer(search):
        return trial.suggest_int(key, search.low, search.high, step=search.step or 1, log=search.log)
    value = trial.suggest_float(key, search.low, search.high, step=search.step, log=search.log)
    # Three digits are enough, and a person can read and type them.
    return min(max(float(f"{value:.3g}"), search.low), search.high)


def _is_integer(search: SearchSection) -> bool:
    return all(isinstance(one, int) for one in (search.low, search.high, search.step or 1))


def _look_up(content: Any, key: str) -> Any:
    for part in key.split("."):
        content = content.get(part) if isinstance(content, dict) else None
    return content


def _is_equal(value: Any, choice: Any) -> bool:
    """Return whether a recipe with this value would stay the same with the choice.

    >>> _is_equal({"epochs": 1.0, "steps": None}, {"epochs": 1}), _is_equal(None, {"epochs": 1})
    (True, False)
    """
    if isinstance(choice, dict) and isinstance(value, dict):
        return all(key in value and _is_equal(value[key], one) for key, one in choice.items())
    return bool(value == choice)
