"""Verify claimed scores: compute them again from the model's published predictions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hf_newscls.comparison.leaderboard import Entry, Setting, Unranked
from hf_newscls.comparison.model_scores import Claim, ModelScores, merge_claims
from hf_newscls.comparison.pairwise_tests import measure_interval
from hf_newscls.evaluation.metrics import compute_scores

_TOLERANCE = 1e-4
_MAX_REASONS = 3


def verify_model(model: ModelScores, *, metric: str) -> list[Entry] | list[Unranked]:
    """Return a model's entries, one a setting, with scores from its predictions if possible, else unverified claims.

    If none of its claims can be listed, the reasons are returned instead.
    """
    claims = _merge_claims(model)
    if not claims:
        return [_leave_out(model, "has no scores")]
    answered = _find_answered(model, claims)
    found = [_verify_claim(claim, model, is_answered=claim is answered, metric=metric) for claim in claims]
    entries = [one for one in found if isinstance(one, Entry)]
    return entries or [*dict.fromkeys(one for one in found if isinstance(one, Unranked))][:_MAX_REASONS]


def _merge_claims(model: ModelScores) -> list[Claim]:
    """Return one claim for each setting, completed with metrics.json.

    A fingerprint identifies the exact rows: a card that lists it under several datasets has one claim, the first.
    """
    claims, measured = model.claims, model.measured
    if measured is not None:
        is_claimed = measured.split in {claim.split for claim in claims}
        claims = [*claims, replace(measured, faults={}) if is_claimed else measured]
    return merge_claims(claims, key=lambda claim: Setting(claim.dataset, claim.split or "", metric="").key)


def _find_answered(model: ModelScores, claims: Sequence[Claim]) -> Claim | None:
    """Return the claim that the predictions belong to: the one of metrics.json, else the only claim."""
    if model.measured is not None:
        return next(claim for claim in claims if claim.split == model.measured.split)
    return claims[0] if len(claims) == 1 else None


def _verify_claim(claim: Claim, model: ModelScores, *, is_answered: bool, metric: str) -> Entry | Unranked:
    predictions = model.predictions if is_answered else None
    computed: dict[str, float] = {}
    if predictions is not None:
        top_k = {int(name.split("_")[1]) for name in (*claim.scores, metric) if name.startswith("top_")}
        computed = compute_scores(predictions.probabilities, predictions.references, top_k=sorted(top_k))
    if fault := _find_fault(claim, metric, computed):
        return _leave_out(model, fault)
    wrong = _find_differences(claim.scores, computed)
    notes = [*_describe_contradictions(claim, model.measured), *_describe_wrong(wrong, computed, metric)]
    claimed, interval = claim.scores.get(metric), claim.intervals.get(metric)
    entry = Entry(
        name=model.name,
        origin=model.origin,
        setting=Setting(claim.dataset, str(claim.split), metric),
        score=computed.get(metric, claimed or 0.0),
        claimed=claimed,
        revision=model.revision,
        interval=interval,
        claimed_interval=interval,
        f1_macro=computed.get("f1_macro", claim.scores.get("f1_macro")),
        predictions=predictions if metric in computed else None,
        notes=[*model.notes, *notes],
        recipe=model.recipe,
    )
    if predictions is None or metric not in computed:
        return entry.add_note(f"not verified: {_explain_unverified(model, is_answered, metric)}")
    is_trusted = entry.is_own and not wrong and interval is not None
    return entry if is_trusted else replace(entry, interval=measure_interval(predictions, metric))


def _find_fault(claim: Claim, metric: str, computed: Mapping[str, float]) -> str | None:
    """Return why a claim cannot be listed, or None."""
    if claim.split is None:
        return "its model-index names no split"
    if metric in claim.faults:
        return f"claims {metric} {claim.faults[metric]}, which is not a score"
    return None if metric in claim.scores or metric in computed else f"has no {metric}"


def _explain_unverified(model: ModelScores, is_answered: bool, metric: str) -> str:
    if model.predictions is None:
        return "no predictions"
    return f"its predictions give no {metric}" if is_answered else "its predictions may be of another split"


def _find_differences(claimed: Mapping[str, float], found: Mapping[str, float]) -> dict[str, float]:
    """Return the claimed scores that differ from those found by more than rounding."""
    return {name: value for name, value in claimed.items() if name in found and abs(value - found[name]) > _TOLERANCE}


def _describe_contradictions(claim: Claim, measured: Claim | None) -> list[str]:
    """Return a note for each score on which card and metrics.json differ."""
    if measured is None or claim.split != measured.split:
        return []
    return [
        f"claims {name} {value:.4f} in its card, {measured.scores[name]:.4f} in metrics.json"
        for name, value in _find_differences(claim.scores, measured.scores).items()
    ]


def _describe_wrong(wrong: Mapping[str, float], computed: Mapping[str, float], metric: str) -> list[str]:
    """Return a note on wrong claims that shows one score, the metric if it is wrong, and counts the others."""
    if not wrong:
        return []
    name = metric if metric in wrong else min(wrong)
    others = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    return [f"claims {name} {wrong[name]:.4f}, its predictions give {computed[name]:.4f}{others}"]


def _leave_out(model: ModelScores, reason: str) -> Unranked:
    return Unranked(model.name, "; ".join([reason, *model.notes]), model.revision)
