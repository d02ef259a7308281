"""Say why a published model should perhaps stay: it has a better score, or is of another split."""

import logging

from hf_newscls.comparison.model_scores import is_fingerprint, read_card
from hf_newscls.errors import DataError

_METRIC = "f1_macro"

logger = logging.getLogger(__name__)


def find_objection(published: str, own: str) -> str | None:
    """Return what speaks against replacing a published model; None if nothing does.

    Both texts are model cards, because their scores are rounded equally. Nothing speaks for a card without scores.
    """
    try:
        claims = read_card(published)
    except DataError as error:
        logger.warning("the scores of the published model are unknown: %s", error)
        return None
    scores = {claim.split: claim.scores.get(_METRIC) for claim in claims if is_fingerprint(claim.split or "")}
    (mine,) = read_card(own)
    if scores and mine.split not in scores:
        return "is a model of another split, so the scores cannot be compared"
    before, now = scores.get(mine.split), mine.scores[_METRIC]
    if before is not None and before > now:
        return f"has a better macro F1 on the same split: {before:.4f}, this run {now:.4f}"
    return None
