"""Read the scores that a model claims.

The files come from strangers: no code runs, and a file with unexpected content is refused with the reason.
"""

import itertools
import json
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, Literal, TypeVar

import yaml
from huggingface_hub import EvalResult, ModelCardData

from hf_newscls.errors import DataError, shorten_text
from hf_newscls.evaluation.metric_names import is_metric, parse_metric_name, score_range
from hf_newscls.evaluation.renamed_keys import rename_old_metrics
from hf_newscls.evaluation.statistics.bootstrap import Interval
from hf_newscls.files import read_card_metadata
from hf_newscls.recipe.recipe import Recipe
from hf_newscls.report.predictions import PublishedPredictions

Origin = Literal["local run", "Hub", "measured here"]
"""Where a model's scores come from."""

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_MAX_RESULTS, _MAX_TEXT = 10_000, 200
# What yaml and huggingface_hub raise for content that they do not expect.
_UNREADABLE = (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError, RecursionError)

M = TypeVar("M", bound="Model")


@dataclass(frozen=True)
class Claim:
    """Scores that a model claims on one split of one dataset, by metric."""

    dataset: str  # its name in the card; empty if the card does not name it
    # Its fingerprint, or configuration, split and revision of the dataset; None if the card has no revision.
    split: str | None
    scores: Mapping[str, float] = field(default_factory=dict)  # named as in `compute_scores`
    faults: Mapping[str, str] = field(default_factory=dict)  # values that are not scores, for messages
    intervals: Mapping[str, Interval] = field(default_factory=dict)  # of 95%


@dataclass(frozen=True)
class Model:
    """A model and where it was read."""

    name: str  # owner/name on the Hub, perhaps with @revision, or recipe/run
    origin: Origin  # where it was read
    _: KW_ONLY
    revision: str | None = None  # commit that all files were read at; None for a local run
    predictions: PublishedPredictions | None = None  # on its test set; None if it has none
    notes: Sequence[str] = ()  # for the reader of a leaderboard
    recipe: Recipe | None = None  # None if it is not on this machine

    def add_note(self: M, note: str) -> M:
        """Return a copy with one more note."""
        return replace(self, notes=[*self.notes, note])


@dataclass(frozen=True)
class ModelScores(Model):
    """Everything that a model claims: the scores in its card, and those in its metrics.json, with their intervals."""

    claims: Sequence[Claim] = ()
    measured: Claim | None = None


def is_fingerprint(revision: str) -> bool:
    """Return whether a dataset's revision is the fingerprint of a split, which identifies its exact rows."""
    return _FINGERPRINT.fullmatch(revision) is not None


def clean_text(text: str) -> str:
    r"""Return a stranger's text fit for one line of a message: no control characters, at most 200 characters.

    >>> clean_text("news\x1b[2J\nset")
    'news�[2J set'
    """
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in shorten_text(text, limit=_MAX_TEXT))


def build_file_error(source_name: str, fault: str) -> DataError:
    """Return the error for a file that a model's owner must publish again."""
    return DataError(f"{source_name}: {fault}; its owner must publish it again")


def read_card(text: str) -> list[Claim]:
    """Return the scores in the metadata of a card, as in `read_model_index`; unreadable metadata is a `DataError`."""
    try:
        index = read_card_metadata(text).get("model-index")
    except _UNREADABLE as error:
        raise build_file_error("README.md", f"metadata that cannot be read ({_describe_error(error)})") from error
    return read_model_index(index)


def read_model_index(content: Any) -> list[Claim]:
    """Return the scores in a `model-index`, one claim for each dataset and split.

    Raises:
        DataError: the content is not a valid `model-index`.
    """
    if not content:
        return []
    try:
        # YAML can repeat a list any number of times, within other lists too.
        items = (item for entry in content for result in entry["results"] for item in (result, *result["metrics"]))
        if next(itertools.islice(items, _MAX_RESULTS, None), None) is not None:
            raise ValueError(f"more than {_MAX_RESULTS:,} results")
        results = ModelCardData(**{"model-index": content}).eval_results or []
    except _UNREADABLE as error:
        raise build_file_error("README.md", f"model-index that cannot be read ({_describe_error(error)})") from error
    return merge_claims(map(_read_result, results), key=lambda claim: (claim.dataset, claim.split))


def merge_claims(claims: Iterable[Claim], *, key: Callable[[Claim], Hashable]) -> list[Claim]:
    """Merge claims with an equal key; the first value of a score counts."""
    merged: dict[Hashable, Claim] = {}
    for claim in claims:
        known = merged.get(key(claim), claim)
        merged[key(claim)] = replace(
            known,
            scores={**claim.scores, **known.scores},
            faults={**claim.faults, **known.faults},
            intervals={**claim.intervals, **known.intervals},
        )
    return [*merged.values()]


def read_metrics(text: str) -> Claim:
    """Return the test scores of a run's metrics.json, with their intervals; metrics of an earlier version are renamed.

    Raises:
        DataError: the text is not what a run writes.
    """
    try:
        content = json.loads(text)
        test, fingerprint = content["test"], content["split_fingerprint"]
        values = {name: value for name, value in rename_old_metrics(test).items() if is_metric(name)}
        if not is_fingerprint(fingerprint):
            raise ValueError(f"split_fingerprint is {_describe(fingerprint)}, not a SHA-256")
    except _UNREADABLE as error:
        raise build_file_error("metrics.json", f"not the file of a run ({_describe_error(error)})") from error
    faults = {name: _describe(value) for name, value in values.items() if not _is_score(value, name)}
    intervals = content.get("intervals")
    return Claim(
        dataset="",
        split=fingerprint,
        scores={name: float(value) for name, value in values.items() if name not in faults},
        faults=faults,
        intervals=_read_intervals(rename_old_metrics(intervals) if isinstance(intervals, dict) else {}),
    )


def _read_result(result: EvalResult) -> Claim:
    """Return the score of a result, if it is one of our metrics; F1 without its average could be any."""
    name = parse_metric_name(result.metric_name) if isinstance(result.metric_name, str) else None
    if name is None and result.metric_type == "accuracy":
        name = "accuracy"
    value = result.metric_value
    is_score = name is not None and _is_score(value, name)
    return Claim(
        dataset=_read_text(result.dataset_type) or "",
        split=_name_split(result),
        scores={name: float(value)} if name and is_score else {},
        faults={name: _describe(value)} if name and not is_score else {},
    )


def _name_split(result: EvalResult) -> str | None:
    revision, split = _read_text(result.dataset_revision), _read_text(result.dataset_split) or "test"
    if revision is None or (split == "test" and is_fingerprint(revision)):
        return revision
    return f"{_read_text(result.dataset_config) or 'default'}/{split} at {revision}"


def _read_intervals(intervals: Mapping[str, Any]) -> dict[str, Interval]:
    return {
        name: Interval(float(ends[0]), float(ends[1]))
        for name, ends in intervals.items()
        if is_metric(name)
        and isinstance(ends, list)
        and len(ends) == 2
        and all(_is_score(end, name) for end in ends)
        and ends[0] <= ends[1]
    }


def _is_score(value: Any, metric: str) -> bool:
    """Return whether a value is a number in the metric's range; a text is not, nor is True."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    low, high = score_range(metric)
    return low <= value <= high


def _read_text(value: Any) -> str | None:
    # YAML reads a revision of digits as a number.
    return clean_text(str(value)) if isinstance(value, str | int) and value != "" else None


def _describe(value: Any) -> str:
    """Return a value for a message; only the type of a list or mapping, which can be very large."""
    if isinstance(value, str | float | bool | None):
        return clean_text(repr(value))
    if isinstance(value, int):
        return clean_text(repr(value)) if abs(value) < 10**_MAX_TEXT else "a huge number"
    return f"a {type(value).__name__}"


def _describe_error(error: Exception) -> str:
    # huggingface_hub wraps a KeyError in advice for programmers.
    cause = error.__context__ or error
    return f"no {cause}" if isinstance(cause, KeyError) else clean_text(str(cause))
