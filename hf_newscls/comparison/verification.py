"""Verify claimed scores: compute them again from the model's published predictions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hf_newscls.comparison.leaderboard import Entry, Refusal, Setting
from hf_newscls.comparison.model_scores import Claim, ModelScores, is_fingerprint, merge_claims
from hf_newscls.comparison.pairwise_tests import measure_interval
from hf_newscls.evaluation.metrics import compute_scores

_TOLERANCE = 1e-4
_MAX_REFUSALS = 3


def verify_model(model: ModelScores, *, metric: str, seed: int = 0) -> list[Entry] | list[Refusal]:
    """Return a model's entries, one a setting, with scores from its predictions if possible, else unverified claims.

    If none of its claims can be listed, the reasons are returned instead.

    Args:
        model: its claims and predictions.
        metric: to rank by, named as in `compute_scores`.
        seed: of the bootstrap behind the intervals.
    """
    claims = _merge_claims(model)
    if not claims:
        return [_build_refusal(model, "has no scores")]
    answered = _find_answered(model, claims)
    found = [_verify_claim(claim, model, is_answered=claim is answered, metric=metric, seed=seed) for claim in claims]
    entries = [one for one in found if isinstance(one, Entry)]
    return entries or [*dict.fromkeys(one for one in found if isinstance(one, Refusal))][:_MAX_REFUSALS]


def _merge_claims(model: ModelScores) -> list[Claim]:
    """Return one claim for each setting, completed with metrics.json.

    A fingerprint identifies the exact rows: a card that lists it under several datasets has one claim, the first.
    """
    claims = merge_claims(model.claims, key=lambda claim: Setting(claim.dataset, _name_split(claim), metric="").key)
    measured = model.measured
    if measured is None:
        return claims
    if not any(_is_same_split(claim, measured) for claim in claims):
        return [*claims, measured]
    return [
        replace(claim, scores={**measured.scores, **claim.scores}, intervals=measured.intervals)
        if _is_same_split(claim, measured)
        else claim
        for claim in claims
    ]


def _is_same_split(claim: Claim, other: Claim) -> bool:
    return (claim.fingerprint, claim.split) == (other.fingerprint, other.split)


def _find_answered(model: ModelScores, claims: Sequence[Claim]) -> Claim | None:
    """Return the claim that the predictions belong to: the one of metrics.json, else the only claim."""
    if model.measured is not None:
        return next((claim for claim in claims if _is_same_split(claim, model.measured)), None)
    return claims[0] if len(claims) == 1 else None


def _verify_claim(claim: Claim, model: ModelScores, *, is_answered: bool, metric: str, seed: int) -> Entry | Refusal:
    predictions = model.predictions if is_answered else None
    computed: dict[str, float] = {}
    if predictions is not None:
        top_k = {int(name.split("_")[1]) for name in (*claim.scores, metric) if name.startswith("top_")}
        computed = compute_scores(predictions.probabilities, predictions.references, top_k=sorted(top_k))
    if fault := _find_fault(claim, metric, computed):
        return _build_refusal(model, fault)
    wrong = _find_differences(claim.scores, computed)
    notes = [*_describe_contradictions(claim, model.measured), *_describe_wrong(wrong, computed, metric)]
    claimed, interval = claim.scores.get(metric), claim.intervals.get(metric)
    entry = Entry(
        name=model.name,
        origin=model.origin,
        setting=Setting(claim.dataset, _name_split(claim), metric),
        score=computed.get(metric, claimed or 0.0),
        claimed=claimed,
        revision=model.revision,
        interval=interval,
        claimed_interval=interval,
        f1_macro=computed.get("f1_macro", claim.scores.get("f1_macro")),
        predictions=predictions if metric in computed else None,
        notes=[*model.notes, *notes],
    )
    if predictions is None or metric not in computed:
        return entry.add_note(f"not verified: {_explain_unverified(model, is_answered, metric)}")
    is_trusted = entry.is_own and not wrong and interval is not None
    return entry if is_trusted else replace(entry, interval=measure_interval(predictions, metric, seed=seed))


def _find_fault(claim: Claim, metric: str, computed: Mapping[str, float]) -> str | None:
    """Return why a claim cannot be listed, or None."""
    if claim.fingerprint is None:
        return "its model-index names no split"
    if metric in claim.faults:
        return f"claims {metric} {claim.faults[metric]}, which is not a score"
    return None if metric in claim.scores or metric in computed else f"has no {metric}"


def _explain_unverified(model: ModelScores, is_answered: bool, metric: str) -> str:
    if model.predictions is None:
        return "no predictions"
    return f"its predictions give no {metric}" if is_answered else "its predictions may be of another split"


def _name_split(claim: Claim) -> str:
    revision = claim.fingerprint or ""
    if claim.split == "test" and is_fingerprint(revision):
        return revision
    return f"{claim.config}/{claim.split} at {revision}"


def _find_differences(claimed: Mapping[str, float], found: Mapping[str, float]) -> dict[str, float]:
    """Return the claimed scores that differ from those found by more than rounding."""
    return {name: value for name, value in claimed.items() if name in found and abs(value - found[name]) > _TOLERANCE}


def _describe_contradictions(claim: Claim, measured: Claim | None) -> list[str]:
    """Return a note for each score on which card and metrics.json differ."""
    if measured is None or not _is_same_split(claim, measured):
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


def _build_refusal(model: ModelScores, reason: str) -> Refusal:
    return Refusal(model.name, "; ".join([reason, *model.notes]), model.revision)
