"""Scores on benchmark datasets: the Hub's own leaderboard of a dataset, and the `.eval_results` of single models."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from huggingface_hub import HfApi

from hf_newscls.compare.leaderboard import Entry, Setting
from hf_newscls.compare.model_scores import clean_text
from hf_newscls.errors import PublishError
from hf_newscls.hub.retry import call_hub, has_answered

__all__ = ["REMEDY", "read_benchmarks"]

REMEDY = "try again later, or rank the runs of this machine alone with --local"
"""What can be done where the Hub does not tell."""

_SPLIT, _METRIC = "the Hub's own leaderboard", "as the benchmark defines it"


def read_benchmarks(datasets: Sequence[str], commits: Mapping[str, str], *, author: str | None) -> list[Entry]:
    """Return the places of models in benchmarks of the Hub, none of which can be checked here.

    A model that the Hub's leaderboard lists is taken from there, another from its own `.eval_results`.

    Args:
        datasets: owner/name of each benchmark.
        commits: of the models that were found, by owner/name.
        author: whose models the leaderboard is searched for; None for everybody's.

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
    """Yield the places of the Hub's own leaderboard of a dataset; none where it keeps none."""
    try:
        found = call_hub(
            # Fine-tuned models are left out unless they are asked for.
            lambda: HfApi().get_dataset_leaderboard(dataset, base_model_only=False),
            what=f"tell the leaderboard of {dataset}",
            remedy=REMEDY,
        )
    except PublishError as error:
        if has_answered(error):
            return
        raise
    for one in found:
        name = clean_text(str(one.model_id))
        if _is_number(one.value) and author in {None, name.split("/")[0]}:
            note = "verified by the Hub" if one.verified is True else "not checked"
            yield _build_entry(name, Setting(dataset, _SPLIT, _METRIC), one.value, note=note)


def _read_results(name: str, commit: str) -> Iterator[Entry]:
    """Yield what the files under `.eval_results` claim; what cannot be read is worth nothing."""
    try:
        model = call_hub(
            lambda: HfApi().model_info(name, revision=commit, expand=["evalResults"]),
            what=f"tell the results of {name}",
            remedy=REMEDY,
        )
    except (KeyError, TypeError, AttributeError):  # as huggingface_hub reads entries that lack something
        return
    except PublishError as error:
        if has_answered(error):
            return
        raise
    for one in model.eval_results or []:
        split = f"task {clean_text(str(one.task_id))}"
        if _is_number(one.value):
            setting = Setting(clean_text(str(one.dataset_id)), split, _METRIC)
            yield _build_entry(name, setting, one.value, note="not checked: from its .eval_results", commit=commit)


def _build_entry(name: str, setting: Setting, value: float, *, note: str, commit: str | None = None) -> Entry:
    return Entry(name, "Hub", setting, float(value), claimed=float(value), revision=commit, notes=[note])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
