"""Scores on benchmark datasets: the Hub's leaderboard of a dataset, and the `.eval_results` of single models."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from huggingface_hub import HfApi

from hf_newscls.comparison.leaderboard import Entry, Setting
from hf_newscls.comparison.model_scores import clean_text
from hf_newscls.errors import PublishError
from hf_newscls.hub.retry import call_hub, has_answered

REMEDY = "try again later, or compare only local runs (local=True or --local)"
"""What to do if the Hub does not answer."""

_SPLIT, _METRIC = "Hub leaderboard", "benchmark score"

T = TypeVar("T")


def read_benchmarks(datasets: Sequence[str], commits: Mapping[str, str], *, author: str | None) -> list[Entry]:
    """Return the scores of models in benchmarks of the Hub; they cannot be verified here.

    A model on the Hub's leaderboard is taken from there, if it belongs to the author; any other model from its own
    `.eval_results`, at the given commit.

    Raises:
        PublishError: the Hub could not be reached.
    """
    if not datasets:
        return []
    listed = [entry for dataset in datasets for entry in _read_leaderboard(dataset, author)]
    known = {(entry.setting.dataset, entry.name) for entry in listed}
    own = [entry for name, commit in sorted(commits.items()) for entry in _read_results(name, commit)]
    wanted = [entry for entry in own if entry.setting.dataset in datasets]
    return [*listed, *(entry for entry in wanted if (entry.setting.dataset, entry.name) not in known)]


def _read_leaderboard(dataset: str, author: str | None) -> Iterator[Entry]:
    # The Hub leaves fine-tuned models out by default.
    found = _ask_hub(
        lambda: HfApi().get_dataset_leaderboard(dataset, base_model_only=False),
        what=f"read the leaderboard of {dataset}",
    )
    for one in found or []:
        name = clean_text(str(one.model_id))
        if _is_number(one.value) and author in {None, name.split("/")[0]}:
            is_verified = one.verified is True
            note = "verified by the Hub" if is_verified else "not verified: claimed on the Hub's leaderboard"
            setting = Setting(dataset, _SPLIT, _METRIC)
            yield _build_entry(name, setting, one.value, note=note, is_verified_by_hub=is_verified)


def _read_results(name: str, commit: str) -> Iterator[Entry]:
    """Yield the claims in a model's `.eval_results`; files that cannot be read are skipped."""
    for one in _ask_hub(lambda: _fetch_results(name, commit), what=f"read the results of {name}") or []:
        if _is_number(one.value):
            setting = Setting(clean_text(str(one.dataset_id)), f"task {clean_text(str(one.task_id))}", _METRIC)
            yield _build_entry(name, setting, one.value, note="not verified: from its .eval_results", revision=commit)


def _fetch_results(name: str, commit: str) -> Sequence[Any] | None:
    try:
        return HfApi().model_info(name.partition("@")[0], revision=commit, expand=["evalResults"]).eval_results
    except (KeyError, TypeError, AttributeError):  # huggingface_hub on an incomplete result
        return None


def _ask_hub(action: Callable[[], T], *, what: str) -> T | None:
    """Return the Hub's answer; None if the Hub has nothing there."""
    try:
        return call_hub(action, what=what, remedy=REMEDY)
    except PublishError as error:
        if has_answered(error):
            return None
        raise


def _build_entry(name: str, setting: Setting, value: float, *, note: str, **details: Any) -> Entry:
    return Entry(name, "Hub", setting, float(value), claimed=float(value), notes=[note], **details)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
