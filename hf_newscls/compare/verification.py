"""Check what models claim: each score that their own published predictions give is computed anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hf_newscls.compare.leaderboard import Entry, Refusal, Setting
from hf_newscls.compare.model_scores import Claim, Statement, is_fingerprint
from hf_newscls.compare.pairwise_tests import measure_interval
from hf_newscls.evaluation.metrics import compute_scores
from hf_newscls.report.predictions import PublishedPredictions

__all__ = ["Verified", "check_statement"]

_TOLERANCE = 1e-4
_MOST_REASONS = 3


@dataclass(frozen=True)
class Verified:
    """What became of a model's claims.

    Attributes:
        entries: one for each setting in which it has a score of the metric.
        refusals: why its claims cannot be ranked, where none can.
    """

    entries: Sequence[Entry]
    refusals: Sequence[Refusal]


def check_statement(statement: Statement, *, metric: str, seed: int = 0) -> Verified:
    """Return the places that a model may take, by what its predictions give where it has them, else by its claims.

    Args:
        statement: what the model says of itself.
        metric: to rank by, as `compute_scores` names it.
        seed: of the bootstrap behind the intervals.
    """
    claims = _merge_claims(statement)
    if not claims:
        return Verified([], [Refusal(statement.name, _join("has no scores", statement.notes), statement.revision)])
    entries: list[Entry] = []
    refusals: list[Refusal] = []
    for claim in claims:
        answers = statement.predictions if _find_answered(statement, claims) is claim else None
        found = _check_claim(claim, answers, statement, metric=metric, seed=seed)
        if isinstance(found, Entry):
            entries.append(found)
        else:
            refusals.append(found)
    # A claim on another dataset is worth no line of its own where one is ranked, and hundreds are worth a few.
    return Verified(entries, [] if entries else [*dict.fromkeys(refusals)][:_MOST_REASONS])


def _merge_claims(statement: Statement) -> list[Claim]:
    """Return one claim for each split, with what metrics.json adds to the one on its own.

    A fingerprint stands for the very rows: a card that gives them to several datasets has one claim all the same, that
    which it makes first.
    """
    merged: dict[tuple[str, ...], Claim] = {}
    for claim in statement.claims:
        key = Setting(claim.dataset, _name_split(claim), metric="").key
        known = merged.get(key, claim)
        scores, faults = {**claim.scores, **known.scores}, {**claim.faults, **known.faults}
        merged[key] = replace(known, scores=scores, faults=faults)
    claims, measured = [*merged.values()], statement.measured
    if measured is None:
        return claims
    if not any(_is_same_split(claim, measured) for claim in claims):
        return [*claims, measured]
    return [_add_measured(claim, measured) if _is_same_split(claim, measured) else claim for claim in claims]


def _add_measured(claim: Claim, measured: Claim) -> Claim:
    return replace(claim, scores={**measured.scores, **claim.scores}, intervals=measured.intervals)


def _is_same_split(claim: Claim, other: Claim) -> bool:
    return (claim.fingerprint, claim.split) == (other.fingerprint, other.split)


def _find_answered(statement: Statement, claims: Sequence[Claim]) -> Claim | None:
    """Return the claim that the predictions are behind: that of metrics.json, else the only one there is."""
    if statement.measured is not None:
        return next((claim for claim in claims if _is_same_split(claim, statement.measured)), None)
    return claims[0] if len(claims) == 1 else None


def _check_claim(
    claim: Claim, answers: PublishedPredictions | None, statement: Statement, *, metric: str, seed: int
) -> Entry | Refusal:
    scores = {} if answers is None else _score_answers(answers, claim, metric)
    reason = _find_fault(claim, metric, scores=scores)
    if reason is not None:
        return Refusal(statement.name, _join(reason, statement.notes), statement.revision)
    claimed, interval = claim.scores.get(metric), claim.intervals.get(metric)
    entry = Entry(
        name=statement.name,
        origin=statement.origin,
        setting=Setting(claim.dataset, _name_split(claim), metric),
        score=claimed if claimed is not None else 0.0,
        claimed=claimed,
        revision=statement.revision,
        interval=interval,
        claimed_interval=interval,
        f1_macro=claim.scores.get("f1_macro"),
        notes=[*statement.notes, *_find_contradictions(claim, statement.measured)],
    )
    if answers is None or metric not in scores:
        return replace(entry, notes=[*entry.notes, f"not checked: {_explain_unchecked(statement, answers, metric)}"])
    return _measure(entry, claim, answers, scores, seed=seed)


def _score_answers(answers: PublishedPredictions, claim: Claim, metric: str) -> dict[str, float]:
    """Return what predictions give: not every score there is, for some are of two labels alone."""
    top_k = {int(name.split("_")[1]) for name in (*claim.scores, metric) if name.startswith("top_")}
    return compute_scores(answers.probabilities, answers.references, top_k=sorted(top_k))


def _explain_unchecked(statement: Statement, answers: PublishedPredictions | None, metric: str) -> str:
    if answers is not None:
        return f"its predictions give no {metric}"
    if statement.predictions is None:
        return "it has no predictions"
    return "nothing says that its predictions are of this split"


def _measure(
    entry: Entry, claim: Claim, answers: PublishedPredictions, scores: Mapping[str, float], *, seed: int
) -> Entry:
    """Return the entry with what the predictions give in the place of what was claimed."""
    metric = entry.setting.metric
    wrong = {
        name: value for name, value in claim.scores.items() if name in scores and abs(value - scores[name]) > _TOLERANCE
    }
    is_trusted = entry.is_own and not wrong and entry.interval is not None
    return replace(
        entry,
        score=scores[metric],
        interval=entry.interval if is_trusted else measure_interval(answers, metric, seed=seed),
        f1_macro=scores["f1_macro"],
        predictions=answers,
        notes=[*entry.notes, *_describe_wrong(wrong, scores, metric)],
    )


def _find_fault(claim: Claim, metric: str, *, scores: Mapping[str, float]) -> str | None:
    """Return why a claim cannot be ranked, given what the predictions behind it give; or None."""
    if claim.fingerprint is None:
        return "says no split in its model-index"
    if metric in claim.faults:
        return f"claims {metric} {claim.faults[metric]}, which is no score"
    if metric not in claim.scores and metric not in scores:
        return f"has no {metric}"
    return None


def _name_split(claim: Claim) -> str:
    revision = claim.fingerprint or ""
    if claim.split == "test" and is_fingerprint(revision):
        return revision
    return f"{claim.config}/{claim.split} at {revision}"


def _find_contradictions(claim: Claim, measured: Claim | None) -> list[str]:
    """Return a note for each score that card and metrics.json tell apart."""
    if measured is None or not _is_same_split(claim, measured):
        return []
    return [
        f"claims {name} {value:.4f} in its card, {measured.scores[name]:.4f} in metrics.json"
        for name, value in claim.scores.items()
        if name in measured.scores and abs(value - measured.scores[name]) > _TOLERANCE
    ]


def _describe_wrong(wrong: Mapping[str, float], scores: Mapping[str, float], metric: str) -> list[str]:
    """Tell claims that the predictions do not bear out, that of the metric first, the others by their number."""
    if not wrong:
        return []
    name = metric if metric in wrong else min(wrong)
    others = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    return [f"claims {name} {wrong[name]:.4f}, its predictions give {scores[name]:.4f}{others}"]


def _join(reason: str, notes: Sequence[str]) -> str:
    return "; ".join([reason, *notes])
