"""What a model says of itself, read with distrust: no code of it runs, and what is not what it should be is refused."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import yaml

from hf_newscls.errors import DataError
from hf_newscls.evaluation.metric_names import is_metric, parse_metric_name
from hf_newscls.evaluation.statistics.bootstrap import Interval
from hf_newscls.report.predictions import PublishedPredictions

__all__ = [
    "Claim",
    "Origin",
    "Statement",
    "clean_text",
    "is_fingerprint",
    "read_card",
    "read_metrics",
    "read_model_index",
]

Origin = Literal["local run", "Hub", "measured here"]
"""Where a model's scores come from."""

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_FRONT_MATTER = re.compile(r"\A\s*---[ \t]*\r?\n(?P<yaml>.*?)\r?\n---[ \t]*(\r?\n|\Z)", re.DOTALL)
_LONGEST_METADATA = 200_000
_LONGEST_TEXT = 200
# Other scores lie in [0, 1].
_RANGES = {"log_loss": (0, 1e6), "brier_score": (0, 2), "mcc": (-1, 1)}
_REMEDY = "its owner must publish it again"


@dataclass(frozen=True)
class Claim:
    """Scores that a model claims on one part of one dataset.

    Attributes:
        dataset: as the card calls it; empty where nothing says so.
        fingerprint: of the split, or another revision of the dataset; None where nothing says so.
        split: part of the split, `test` as a rule.
        config: of the dataset.
        scores: by metric, as `compute_scores` names them.
        faults: by metric, what stands in the place of a score.
        intervals: 95% intervals, by metric.
    """

    dataset: str
    fingerprint: str | None
    split: str = "test"
    config: str = "default"
    scores: Mapping[str, float] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    intervals: Mapping[str, Interval] = field(default_factory=dict)


@dataclass(frozen=True)
class Statement:
    """All that a model says of itself, and where it was read.

    Attributes:
        name: owner/name on the Hub, or recipe/run.
        origin: where it was read.
        revision: commit that everything was read at; None for a run on this machine.
        claims: scores in its card.
        measured: scores in its metrics.json, with their intervals; None where it has none.
        predictions: on its test set; None where it has none.
        notes: what is to be known of it.
    """

    name: str
    origin: Origin
    revision: str | None = None
    claims: Sequence[Claim] = ()
    measured: Claim | None = None
    predictions: PublishedPredictions | None = None
    notes: Sequence[str] = ()

    def add_note(self, note: str) -> "Statement":
        """Return the statement with one more note."""
        return replace(self, notes=[*self.notes, note])


def is_fingerprint(revision: str) -> bool:
    """Return whether a dataset's revision is the fingerprint of a split, which stands for its very rows."""
    return _FINGERPRINT.fullmatch(revision) is not None


def clean_text(text: str) -> str:
    r"""Return a foreign text fit for one line of a message: no control characters, at most 200 characters.

    >>> clean_text("news\x1b[2J\nset")
    'news�[2J set'
    """
    line = "".join(letter if letter.isprintable() else "\ufffd" for letter in " ".join(text.split()))
    return line if len(line) <= _LONGEST_TEXT else f"{line[: _LONGEST_TEXT - 1]}…"


def read_card(text: str) -> list[Claim]:
    """Return the scores that the `model-index` of a model card claims, one claim for each dataset and split.

    Raises:
        DataError: the card's metadata cannot be read.
    """
    found = _FRONT_MATTER.match(text)
    if found is None:
        return []
    block = found["yaml"]
    if len(block) > _LONGEST_METADATA:
        raise _refuse("README.md", f"metadata of at most {_LONGEST_METADATA:,} characters", f"{len(block):,}")
    try:
        content = yaml.safe_load(block)
    except RecursionError as error:
        raise _refuse("README.md", "metadata that can be read", "lists within lists without end") from error
    except (yaml.YAMLError, ValueError, TypeError, AttributeError) as error:
        raise _refuse("README.md", "metadata in YAML", clean_text(str(error))) from error
    if not isinstance(content, dict):
        raise _refuse("README.md", "metadata of names and values", _describe(content))
    return read_model_index(content.get("model-index"))


def read_model_index(content: Any) -> list[Claim]:
    """Return the scores that a `model-index` claims, one claim for each dataset and split.

    Raises:
        DataError: it is not what a `model-index` must be.
    """
    if content is None:
        return []
    claims: dict[tuple[str, str | None, str, str], Claim] = {}
    for entry in _read_list(content, "model-index"):
        for result in _read_list(_read_mapping(entry, "an entry of model-index").get("results"), "results"):
            claim = _read_result(_read_mapping(result, "a result"))
            key = (claim.dataset, claim.fingerprint, claim.split, claim.config)
            known = claims.setdefault(key, claim)
            scores, faults = {**claim.scores, **known.scores}, {**claim.faults, **known.faults}
            claims[key] = replace(known, scores=scores, faults=faults)
    return [*claims.values()]


def read_metrics(text: str) -> Claim:
    """Return the test scores of a run's metrics.json, with their intervals.

    Raises:
        DataError: it is not what a run writes.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refuse("metrics.json", "JSON", clean_text(str(error))) from error
    test = content.get("test") if isinstance(content, dict) else None
    fingerprint = content.get("split_fingerprint") if isinstance(content, dict) else None
    if not isinstance(test, dict) or not isinstance(fingerprint, str) or not is_fingerprint(fingerprint):
        raise _refuse("metrics.json", "`test` and `split_fingerprint`", _describe(content))
    values = {name: value for name, value in test.items() if is_metric(name)}
    faults = {name: _describe(value) for name, value in values.items() if not _is_score(value, name)}
    intervals = content.get("intervals")
    return Claim(
        dataset="",
        fingerprint=fingerprint,
        scores={name: float(value) for name, value in values.items() if name not in faults},
        faults=faults,
        intervals=_read_intervals(intervals if isinstance(intervals, dict) else {}),
    )


def _read_result(result: Mapping[str, Any]) -> Claim:
    dataset = _read_mapping(result.get("dataset") or {}, "dataset")
    scores, faults = {}, {}
    for metric in _read_list(result.get("metrics"), "metrics"):
        values = _read_mapping(metric, "a metric")
        name = _name_metric(values)
        if name is None:
            continue
        if _is_score(values.get("value"), name):
            scores[name] = float(values["value"])
        else:
            faults[name] = _describe(values.get("value"))
    return Claim(
        dataset=_read_text(dataset.get("type")) or "",
        fingerprint=_read_text(dataset.get("revision")),
        split=_read_text(dataset.get("split")) or "test",
        config=_read_text(dataset.get("config")) or "default",
        scores=scores,
        faults=faults,
    )


def _name_metric(metric: Mapping[str, Any]) -> str | None:
    """Return the score that a metric of a card is; F1 without its average could be any."""
    title, kind = metric.get("name"), metric.get("type")
    known = parse_metric_name(title) if isinstance(title, str) else None
    name = known or (kind if kind == "accuracy" else None)
    return name if isinstance(name, str) and is_metric(name) else None


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
    """Return whether a value is a fraction, or a log loss; a text is none, nor is true."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    low, high = _RANGES.get(metric, (0, 1))
    return low <= value <= high


def _read_list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise _refuse("README.md", f"a list as `{what}`", _describe(value))
    return value


def _read_mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _refuse("README.md", f"names and values as {what}", _describe(value))
    return value


def _read_text(value: Any) -> str | None:
    # A revision of digits alone is a number to YAML.
    return clean_text(str(value)) if isinstance(value, str | int) and value != "" else None


def _describe(value: Any) -> str:
    """Return a value for a message; of a list or a mapping its kind alone, which can be large without end."""
    if isinstance(value, str | float | bool | None):
        return clean_text(repr(value))
    if isinstance(value, int):
        return clean_text(repr(value)) if abs(value) < 10**_LONGEST_TEXT else "a huge number"
    return f"a {type(value).__name__}"


def _refuse(source_name: str, must: str, got: str) -> DataError:
    return DataError(f"{source_name}: must hold {must}, got {got}; {_REMEDY}")
