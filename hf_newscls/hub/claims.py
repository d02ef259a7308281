"""Check what models claim: each score that their own published predictions give is computed anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hf_newscls.evaluation.metrics import compute_scores
from hf_newscls.hub.gaps import measure_interval
from hf_newscls.hub.leaderboard import Entry, Refusal, Setting
from hf_newscls.hub.predictions import PublishedPredictions
from hf_newscls.hub.statements import Claim, Statement, is_fingerprint

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
    """Return the claims of the card, with what metrics.json adds to the one on the same split."""
    measured = statement.measured
    if measured is None:
        return [*statement.claims]
    same = [claim for claim in statement.claims if _is_same_split(claim, measured)]
    if not same:
        return [*statement.claims, measured]
    merged = [
        replace(claim, scores={**measured.scores, **claim.scores}, intervals=measured.intervals) for claim in same[:1]
    ]
    return [*merged, *(claim for claim in statement.claims if claim is not same[0])]


def _is_same_split(claim: Claim, other: Claim) -> bool:
    return (claim.fingerprint, claim.side) == (other.fingerprint, other.side)


def _find_answered(statement: Statement, claims: Sequence[Claim]) -> Claim | None:
    """Return the claim that the predictions are behind: that of metrics.json, else the only one there is."""
    if statement.measured is not None:
        return next((claim for claim in claims if _is_same_split(claim, statement.measured)), None)
    return claims[0] if len(claims) == 1 else None


def _check_claim(
    claim: Claim, answers: PublishedPredictions | None, statement: Statement, *, metric: str, seed: int
) -> Entry | Refusal:
    reason = _find_fault(claim, metric, has_answers=answers is not None)
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
    if answers is None:
        return replace(entry, notes=[*entry.notes, "not checked: it has no predictions"])
    return _measure(entry, claim, answers, seed=seed)


def _measure(entry: Entry, claim: Claim, answers: PublishedPredictions, *, seed: int) -> Entry:
    """Return the entry with what the predictions give in the place of what was claimed."""
    metric = entry.setting.metric
    top_k = {int(name.split("_")[1]) for name in (*claim.scores, metric) if name.startswith("top_")}
    scores = compute_scores(answers.probabilities, answers.references, top_k=sorted(top_k))
    wrong = {name: value for name, value in claim.scores.items() if abs(value - scores[name]) > _TOLERANCE}
    is_trusted = entry.is_own and not wrong and entry.interval is not None
    return replace(
        entry,
        score=scores[metric],
        interval=entry.interval if is_trusted else measure_interval(answers, metric, seed=seed),
        f1_macro=scores["f1_macro"],
        predictions=answers,
        notes=[*entry.notes, *_describe_wrong(wrong, scores, metric)],
    )


def _find_fault(claim: Claim, metric: str, *, has_answers: bool) -> str | None:
    """Return why a claim cannot be ranked, or None."""
    if claim.fingerprint is None:
        return "says no split in its model-index"
    if metric in claim.faults:
        return f"claims {metric} {claim.faults[metric]}, which is no score"
    if metric not in claim.scores and not has_answers:
        return f"has no {metric}"
    return None


def _name_split(claim: Claim) -> str:
    revision = claim.fingerprint or ""
    if claim.side == "test" and is_fingerprint(revision):
        return revision
    return f"{claim.config}/{claim.side} at {revision}"


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
